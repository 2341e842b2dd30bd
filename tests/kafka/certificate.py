"""A certificate for 127.0.0.1 that nobody has signed but itself."""
import subprocess

PATIENCE_S = 60


def certificate(path):
    """Key and certificate in one file, and the certificate alone (path + ".crt") for those who are to trust it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=double",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path + ".key", "-out", path + ".crt"],
                   capture_output=True, timeout=PATIENCE_S, check=True)
    with open(path, "wb") as both:
        for part in ".key", ".crt":
            both.write(open(path + part, "rb").read())
    return path
