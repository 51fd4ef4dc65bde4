from tests.support.fixtures import shared_hub

__all__ = ["shared_hub"]
