"""A port that is chosen for a server stays that server's until it listens there."""

import socket

import pytest

from deploy import embedded


def test_a_held_port_is_given_to_nobody_but_its_server() -> None:
    with embedded.held_port() as port:
        with socket.socket() as stranger, pytest.raises(OSError, match="Address already in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.socket() as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(("127.0.0.1", port))
            server.listen()
            socket.create_connection(("127.0.0.1", port), 1).close()


def test_the_port_of_before_is_taken_again_if_it_is_free() -> None:
    with embedded.held_port() as port:
        pass
    with embedded.held_port(port) as again:
        assert again == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with embedded.held_port(taken) as another:
            assert another not in (0, taken)
