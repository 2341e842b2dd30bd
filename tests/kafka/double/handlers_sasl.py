"""SaslHandshake and SaslAuthenticate: a name and a password, by the mechanism PLAIN."""
from .handlers_transaction import answer, told
from .names import API_VERSIONS, ERRORS, NONE, SASL_AUTHENTICATE, SASL_HANDSHAKE

MECHANISMS = ["PLAIN"]
BEFORE_LOGIN = (API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE)


class Session:
    """Who a connection belongs to."""

    def __init__(self):
        self.user, self.refused = None, False


def handshake(call):
    mechanism = call.reader.string()
    told(call, mechanism=mechanism)
    error = call.error(lambda: NONE if mechanism in MECHANISMS else ERRORS["UNSUPPORTED_SASL_MECHANISM"])
    call.session.refused = error != NONE
    return call.writer.i16(answer(call, error)).array(MECHANISMS, call.writer.string)


def authenticate(call):
    """The password never comes into the list of requests."""
    _, user, password = (bytes(call.reader.blob() or b"").split(b"\0") + [b""] * 3)[:3]
    told(call, user=user.decode())
    good = (user.decode(), password.decode()) == call.broker.credentials
    error = call.error(lambda: NONE if good else ERRORS["SASL_AUTHENTICATION_FAILED"])
    call.session.user = user.decode() if error == NONE else None
    call.session.refused = error != NONE
    w = call.writer.i16(answer(call, error)).string(None if error == NONE else "wrong name or password").blob([])
    return w.i64(0) if call.version >= 1 else w


HANDLERS = {SASL_HANDSHAKE: handshake, SASL_AUTHENTICATE: authenticate}
