from tests.support.fixtures import redis_cluster, redis_sentinels, redis_server

__all__ = ["redis_cluster", "redis_sentinels", "redis_server"]
