"""The loopback Hub, for trainings that push."""

from tests.hub.fixtures import fresh_environment, hub  # noqa: F401
