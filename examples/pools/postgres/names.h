/* A memory context has its own name in hakmem's reports. */
#define HAKMEM_POOL_NAME(pool) ((pool)->name)
