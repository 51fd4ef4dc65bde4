from tests.support.fixtures import history, hub

__all__ = ["history", "hub"]
