"""Sends the news by UDP, by a name server, and by an abstract socket; listens on a port for orders."""

import socket

errors = []
for way in (
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", int("@port@"))),
    lambda: socket.getaddrinfo("example.invalid", 80),
    lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).connect("\0mmgeo"),
    lambda: socket.create_server(("127.0.0.1", 0)).listen(),
    lambda: socket.socketpair(),
):
    try:
        way()
        errors.append(SystemExit("ESCAPED"))
    except OSError as error:
        errors.append(error)
raise next((error for error in errors if isinstance(error, SystemExit)), errors[0])
