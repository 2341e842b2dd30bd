"""What a cluster needs for clients that must prove themselves: a user with a password, certificates, permissions."""
import subprocess

from kafka_jars import Failed

# librdkafka compares the name in the certificate with the address it connects to.
NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1\n"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"


def protocol(state):
    """Of the second listener; None when there is to be none."""
    return {(False, False): None, (True, False): "SASL_PLAINTEXT", (False, True): "SSL",
            (True, True): "SASL_SSL"}[bool(state["sasl"]), bool(state["tls"])]


def user_and_password(state):
    user, _, password = state["sasl"].partition(":")
    return user, password


def broker_settings(state, folder):
    settings = {}
    if state["sasl"]:
        user, password = user_and_password(state)
        prefix = "listener.name.secure."
        settings |= {prefix + "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
                     prefix + "plain.sasl.jaas.config": f'{PLAIN} user_{user}="{password}";',
                     prefix + "scram-sha-256.sasl.jaas.config": SCRAM}
    if state["tls"]:
        settings |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": f"{folder}/tls/server.pem"}
    if state["acls"]:
        settings |= {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                     "super.users": "User:ANONYMOUS"}  # Everybody on the listener without credentials.
    return settings


def scram(state):
    """Arguments for the format command."""
    if not state["sasl"]:
        return []
    user, password = user_and_password(state)
    return ["--add-scram", f"SCRAM-SHA-256=[name={user},password={password}]"]


def openssl(folder, *arguments):
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed("openssl could not make a certificate:\n" + done.stderr)


def make_certificates(folder):
    """An authority of this cluster's own (ca.pem), and what it vouches for (server.pem: key and certificates)."""
    folder.mkdir()
    (folder / "names").write_text(NAMES)
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=varve-kafka-ca",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out",
            "server.request")
    openssl(folder, "x509", "-req", "-in", "server.request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-extfile", "names", "-out", "server.crt")
    (folder / "server.pem").write_text("".join((folder / name).read_text()
                                               for name in ("server.key", "server.crt", "ca.pem")))


def client_settings(cluster):
    """As librdkafka names them."""
    state = cluster.state
    settings = {"bootstrap.servers": cluster.secure_bootstrap(), "security.protocol": protocol(state).lower()}
    if state["sasl"]:
        user, password = user_and_password(state)
        settings |= {"sasl.mechanism": "PLAIN", "sasl.username": user, "sasl.password": password}
    if state["tls"]:
        settings["ssl.ca.location"] = f"{cluster.folder}/tls/ca.pem"
    return settings


def write_files(cluster):
    if cluster.state["tls"]:
        make_certificates(cluster.folder / "tls")
    if protocol(cluster.state):
        lines = [f"{key}={value}\n" for key, value in client_settings(cluster).items()]
        (cluster.folder / "kafka.conf").write_text("".join(lines))
