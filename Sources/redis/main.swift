import MiniRedis
