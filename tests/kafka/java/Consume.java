import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics as a consumer of committed transactions does, and prints a line per record. Checks that each lies in
 * the partition that Java's own partitioner chooses for its key.
 *
 * <p>Fields are separated by tabs: topic, partition, offset, key, v-pos, v-ver, v-agg, the value, the record's time and
 * the time it took until here, both in milliseconds; with headers=all, each header as name=value after that. The value
 * is told by the first 16 digits of its SHA-256, with values=all as base64; "-" is a tombstone. Backslash, tab, line
 * feed and carriage return are written as \\, \t, \n and \r; what is absent is empty.
 */
public final class Consume {
    private static final Duration POLL = Duration.ofMillis(100);
    private static final long SECOND = 1_000_000_000;
    private static final String USAGE = "usage: Consume BOOTSTRAP TOPICS [at_least=N] [follow=SECONDS] [timeout=SECONDS]"
            + " [lines=no] [headers=all] [values=all] [KAFKA.PROPERTY=VALUE]...\n"
            + "TOPICS is a regular expression. Reads from the beginning to the end, and on until there were N records;\n"
            + "with follow=SECONDS, reads for that long, from the end on.";

    private final Map<String, String> options;
    private final KafkaConsumer<byte[], byte[]> consumer;
    private final Pattern wanted;
    private final Map<String, Integer> partitionsOf = new HashMap<>();
    private final List<Long> latencies = new ArrayList<>();
    private final StringBuilder out = new StringBuilder();
    private long records;
    private long misplaced;

    private Consume(String bootstrap, String topics, Map<String, String> options) {
        this.options = options;
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "none");
        properties.put("max.poll.records", "5000");
        options.forEach((name, value) -> {
            if (name.contains(".")) {
                properties.put(name, value);
            }
        });
        consumer = new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        wanted = Pattern.compile(topics);
    }

    /** Adds the partitions that came into being, from their beginning. A broker that has just started may know none. */
    private void assign() {
        Set<TopicPartition> all = new HashSet<>(consumer.assignment());
        List<TopicPartition> added = new ArrayList<>();
        consumer.listTopics().forEach((topic, partitions) -> {
            if (wanted.matcher(topic).matches()) {
                partitionsOf.merge(topic, partitions.size(), Math::max);
                partitions.stream().map(partition -> new TopicPartition(topic, partition.partition()))
                        .filter(all::add).forEach(added::add);
            }
        });
        if (!added.isEmpty()) { // Of none, seekToBeginning() would take all.
            consumer.assign(all);
            consumer.seekToBeginning(added);
        }
    }

    private static String escaped(byte[] bytes) {
        if (bytes == null) {
            return "";
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r");
    }

    private static String header(ConsumerRecord<byte[], byte[]> record, String name) {
        Header header = record.headers().lastHeader(name);
        return header == null ? "" : escaped(header.value());
    }

    private String told(byte[] value) throws Exception {
        if (value == null) {
            return "-";
        }
        if ("all".equals(options.get("values"))) {
            return Base64.getEncoder().encodeToString(value);
        }
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(value), 0, 8);
    }

    private void checkPartition(ConsumerRecord<byte[], byte[]> record) {
        if (record.key() == null) {
            return;
        }
        int expected = BuiltInPartitioner.partitionForKey(record.key(), partitionsOf.get(record.topic()));
        if (expected != record.partition()) {
            misplaced++;
            System.err.printf("misplaced\t%s\t%d\t%d\t%s\t%d%n", record.topic(), record.partition(), record.offset(),
                    escaped(record.key()), expected);
        }
    }

    private void note(ConsumerRecord<byte[], byte[]> record, long now) throws Exception {
        records++;
        latencies.add(now - record.timestamp());
        checkPartition(record);
        if ("no".equals(options.get("lines"))) {
            return;
        }
        out.append(record.topic()).append('\t').append(record.partition()).append('\t').append(record.offset())
                .append('\t').append(escaped(record.key())).append('\t').append(header(record, "v-pos")).append('\t')
                .append(header(record, "v-ver")).append('\t').append(header(record, "v-agg")).append('\t')
                .append(told(record.value())).append('\t').append(record.timestamp()).append('\t')
                .append(now - record.timestamp());
        if ("all".equals(options.get("headers"))) {
            for (Header header : record.headers()) {
                out.append('\t').append(header.key()).append('=').append(escaped(header.value()));
            }
        }
        out.append('\n');
    }

    private void readOnce() throws Exception {
        if (consumer.assignment().isEmpty()) {
            Thread.sleep(POLL.toMillis());
            return;
        }
        var batch = consumer.poll(POLL);
        long now = Instant.now().toEpochMilli();
        for (ConsumerRecord<byte[], byte[]> record : batch) {
            note(record, now);
        }
        System.out.print(out);
        System.out.flush();
        out.setLength(0);
    }

    /** The last stable offsets: what a reader of committed transactions could have read by now. */
    private boolean atTheEnd() {
        return consumer.endOffsets(consumer.assignment()).entrySet().stream()
                .allMatch(end -> consumer.position(end.getKey()) >= end.getValue());
    }

    private long option(String name, long otherwise) {
        return Long.parseLong(options.getOrDefault(name, String.valueOf(otherwise)));
    }

    private boolean read() throws Exception {
        long begin = System.nanoTime();
        long assigned = begin;
        assign();
        if (option("follow", 0) > 0) {
            follow(begin + option("follow", 0) * SECOND);
            return true;
        }
        while (records < option("at_least", 0) || !consumer.assignment().isEmpty() && !atTheEnd()) {
            if (System.nanoTime() - begin > option("timeout", 60) * SECOND) {
                return false;
            }
            if (System.nanoTime() - assigned > SECOND) {
                assign();
                assigned = System.nanoTime();
            }
            readOnce();
        }
        return true;
    }

    private void follow(long end) throws Exception {
        consumer.seekToEnd(consumer.assignment());
        consumer.assignment().forEach(consumer::position);
        System.err.println("ready");
        while (System.nanoTime() < end) {
            readOnce();
        }
    }

    private long percentile(double share) {
        return latencies.isEmpty() ? 0 : latencies.get((int) Math.round(share * (latencies.size() - 1)));
    }

    private void sayTotals() {
        Collections.sort(latencies);
        System.err.printf("total\t%d\t%d%n", records, misplaced);
        System.err.printf("latency_ms\t%d\t%d\t%d\t%d%n", percentile(0.5), percentile(0.9), percentile(0.99),
                percentile(1));
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println(USAGE);
            System.exit(2);
        }
        Map<String, String> options = List.of(arguments).subList(2, arguments.length).stream()
                .map(option -> option.split("=", 2))
                .collect(Collectors.toMap(option -> option[0], option -> option[1]));
        Consume consume = new Consume(arguments[0], arguments[1], options);
        boolean complete = consume.read();
        consume.sayTotals();
        consume.consumer.close();
        System.exit(complete ? 0 : 1);
    }
}
