import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.utils.Utils;

/** Does one thing to a cluster, or tells one thing about it: lines of fields that are separated by tabs. */
public final class Admin {
    private static final String USAGE = """
            usage: Admin BOOTSTRAP VERB ARGUMENTS
              create TOPIC PARTITIONS [KEY=VALUE]...
              topics                            topic, partitions
              describe TOPIC                    partition, leader, replicas, replicas in sync
              config TOPIC                      key, value of what differs from the defaults
              offsets TOPIC                     partition, first, end of what is committed, end
              configure TOPIC KEY=VALUE
              partitions TOPIC COUNT            more of them
              truncate TOPIC                    delete all records
              delete TOPIC
              coordinator TRANSACTIONAL_ID      node
              transactions                      transactional id, producer id, state
              allow|deny USER KIND NAME OPERATION   KIND: topic, group, transactional_id, cluster; NAME: may end with *
              forget-acls
              password USER PASSWORD            for SCRAM-SHA-256""";
    private static final String TRANSACTIONS = "__transaction_state";

    private final org.apache.kafka.clients.admin.Admin admin;

    private Admin(String bootstrap) {
        admin = org.apache.kafka.clients.admin.Admin.create(Map.of("bootstrap.servers", bootstrap));
    }

    private static void line(Object... fields) {
        System.out.println(Arrays.stream(fields).map(String::valueOf).collect(Collectors.joining("\t")));
    }

    private TopicDescription describe(String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
    }

    private void configure(String topic, String setting) throws Exception {
        String[] parts = setting.split("=", 2);
        AlterConfigOp set = new AlterConfigOp(new ConfigEntry(parts[0], parts[1]), AlterConfigOp.OpType.SET);
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get();
    }

    private static String ids(Collection<Node> nodes) {
        return nodes.stream().map(Node::idString).collect(Collectors.joining(","));
    }

    private void create(String topic, int partitions, List<String> settings) throws Exception {
        Map<String, String> configs = settings.stream().map(setting -> setting.split("=", 2))
                .collect(Collectors.toMap(setting -> setting[0], setting -> setting[1]));
        NewTopic wanted = new NewTopic(topic, Optional.of(partitions), Optional.empty()).configs(configs);
        admin.createTopics(List.of(wanted)).all().get();
    }

    private void topics() throws Exception {
        for (TopicDescription topic : admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get()
                .values()) {
            line(topic.name(), topic.partitions().size());
        }
    }

    private void showPartitions(String topic) throws Exception {
        for (TopicPartitionInfo partition : describe(topic).partitions()) {
            Node leader = partition.leader();
            line(partition.partition(), leader == null ? -1 : leader.id(), ids(partition.replicas()),
                    ids(partition.isr()));
        }
    }

    private void showConfig(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().stream()
                .filter(entry -> !entry.isDefault()).forEach(entry -> line(entry.name(), entry.value()));
    }

    private List<TopicPartition> partitions(String topic) throws Exception {
        return describe(topic).partitions().stream()
                .map(partition -> new TopicPartition(topic, partition.partition())).toList();
    }

    private Map<TopicPartition, Long> offsets(String topic, OffsetSpec spec, IsolationLevel level) throws Exception {
        Map<TopicPartition, OffsetSpec> wanted = new HashMap<>();
        partitions(topic).forEach(partition -> wanted.put(partition, spec));
        Map<TopicPartition, Long> found = new HashMap<>();
        admin.listOffsets(wanted, new org.apache.kafka.clients.admin.ListOffsetsOptions(level)).all().get()
                .forEach((partition, offset) -> found.put(partition, offset.offset()));
        return found;
    }

    private void showOffsets(String topic) throws Exception {
        var first = offsets(topic, OffsetSpec.earliest(), IsolationLevel.READ_UNCOMMITTED);
        var stable = offsets(topic, OffsetSpec.latest(), IsolationLevel.READ_COMMITTED);
        var end = offsets(topic, OffsetSpec.latest(), IsolationLevel.READ_UNCOMMITTED);
        for (TopicPartition partition : partitions(topic)) {
            line(partition.partition(), first.get(partition), stable.get(partition), end.get(partition));
        }
    }

    private void truncate(String topic) throws Exception {
        Map<TopicPartition, RecordsToDelete> wanted = new HashMap<>();
        partitions(topic).forEach(partition -> wanted.put(partition, RecordsToDelete.beforeOffset(-1)));
        admin.deleteRecords(wanted).all().get();
    }

    /** As the broker does it: the leader of the partition of its own topic that the id's hash falls into. */
    private void showCoordinator(String id) throws Exception {
        List<TopicPartitionInfo> partitions = describe(TRANSACTIONS).partitions();
        line(partitions.get(Utils.abs(id.hashCode()) % partitions.size()).leader().id());
    }

    private void showTransactions() throws Exception {
        admin.listTransactions().all().get()
                .forEach(found -> line(found.transactionalId(), found.producerId(), found.state()));
    }

    private void addAcl(String permission, String user, String kind, String name, String operation) throws Exception {
        boolean prefix = name.endsWith("*") && name.length() > 1;
        ResourcePattern pattern = new ResourcePattern(ResourceType.fromString(kind),
                prefix ? name.substring(0, name.length() - 1) : name,
                prefix ? PatternType.PREFIXED : PatternType.LITERAL);
        AccessControlEntry entry = new AccessControlEntry("User:" + user, "*", AclOperation.fromString(operation),
                AclPermissionType.fromString(permission));
        admin.createAcls(List.of(new AclBinding(pattern, entry))).all().get();
    }

    private void setPassword(String user, String password) throws Exception {
        ScramCredentialInfo kind = new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 4096);
        admin.alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(user, kind, password))).all().get();
    }

    private void run(List<String> words) throws Exception {
        switch (words.get(0)) {
            case "create" -> create(words.get(1), Integer.parseInt(words.get(2)), words.subList(3, words.size()));
            case "topics" -> topics();
            case "describe" -> showPartitions(words.get(1));
            case "config" -> showConfig(words.get(1));
            case "configure" -> configure(words.get(1), words.get(2));
            case "offsets" -> showOffsets(words.get(1));
            case "partitions" -> admin.createPartitions(
                    Map.of(words.get(1), NewPartitions.increaseTo(Integer.parseInt(words.get(2))))).all().get();
            case "truncate" -> truncate(words.get(1));
            case "delete" -> admin.deleteTopics(List.of(words.get(1))).all().get();
            case "coordinator" -> showCoordinator(words.get(1));
            case "transactions" -> showTransactions();
            case "allow", "deny" -> addAcl(words.get(0), words.get(1), words.get(2), words.get(3), words.get(4));
            case "forget-acls" -> admin.deleteAcls(List.of(AclBindingFilter.ANY)).all().get();
            case "password" -> setPassword(words.get(1), words.get(2));
            default -> throw new IllegalArgumentException(words.get(0) + "\n" + USAGE);
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println(USAGE);
            System.exit(2);
        }
        Admin tool = new Admin(arguments[0]);
        try {
            tool.run(List.of(arguments).subList(1, arguments.length));
        } catch (ExecutionException failed) {
            System.err.println("error: " + failed.getCause());
            System.exit(1);
        } finally {
            tool.admin.close();
        }
    }
}
