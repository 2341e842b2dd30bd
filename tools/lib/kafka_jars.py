"""The jars of a Kafka broker and of its Java client, below build/kafka/<version>, as Maven gives them."""
import contextlib
import fcntl
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build/kafka"

# The newest patch of each line that is tried. What the broker logs with is not among its own dependencies.
VERSIONS = {"3.9.2": ("org.slf4j", "slf4j-reload4j", "1.7.36"),
            "4.3.1": ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4")}
DEFAULT_VERSION = "4.3.1"
COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
ARCHIVE = "classes.jsa"


class Failed(Exception):
    """What cannot be done, in words for the person who asked."""


def missing_programs():
    return [name for name in ("java", "mvn") if shutil.which(name) is None]


def folder(version):
    return FOLDER / version


def is_fetched(version):
    return (folder(version) / ARCHIVE).exists()


def classpath(version):
    """Relative to the version's folder, and sorted: the archive of classes is for exactly this path."""
    return ":".join(f"libs/{path.name}" for path in sorted((folder(version) / "libs").glob("*.jar")))


@contextlib.contextmanager
def lock():
    """Held by one fetch at a time; the others wait for it, then find the work done."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def dependency(group, artifact, version):
    return (f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
            f"<version>{version}</version></dependency>")


def pom(version):
    return ("<project><modelVersion>4.0.0</modelVersion><groupId>varve</groupId><artifactId>kafka</artifactId>"
            "<version>1</version><dependencies>" + dependency("org.apache.kafka", "kafka_2.13", version)
            + dependency(*VERSIONS[version]) + "</dependencies></project>\n")


def ask_maven(version, into):
    (into / "pom.xml").write_text(pom(version))
    command = ["mvn", "-q", "-B", COPY_DEPENDENCIES, "-DincludeScope=runtime", f"-DoutputDirectory={into}/libs"]
    done = subprocess.run(command, cwd=into, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0 or not list(into.glob("libs/kafka_2.13-*.jar")):
        raise Failed(f"Maven could not get Kafka {version}:\n" + "\n".join(done.stdout.splitlines()[:10]))


def get_jars(version):
    """The folder appears with all of them in it, or not at all."""
    half_done = pathlib.Path(tempfile.mkdtemp(prefix=f".{version}.", dir=FOLDER))
    try:
        ask_maven(version, half_done)
        half_done.chmod(0o755)
        half_done.rename(folder(version))
    finally:
        shutil.rmtree(half_done, ignore_errors=True)


def fetch(version, make_archive):
    """Gets what is not there yet. `make_archive(folder, path)` runs a broker once, to note the classes it loads."""
    if version not in VERSIONS:
        raise Failed(f"Kafka {version} is not one of {', '.join(VERSIONS)}")
    if is_fetched(version):
        return folder(version)
    if missing := missing_programs():
        raise Failed(f"{' and '.join(missing)} not found; tools/install-packages installs what is needed")
    with lock():
        if not folder(version).exists():
            get_jars(version)
        if not is_fetched(version):
            make_archive(version, folder(version) / ARCHIVE)
    return folder(version)
