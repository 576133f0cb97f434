"""The loopback Hub, for trainings that push."""

from tests.hub import fixtures

hub, fresh_environment = fixtures.hub, fixtures.fresh_environment
