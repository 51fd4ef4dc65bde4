from tests.support.figures import figures
from tests.support.fixtures import redis_cluster, redis_sentinels, redis_server

__all__ = ["figures", "redis_cluster", "redis_sentinels", "redis_server"]
