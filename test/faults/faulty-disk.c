// Preloaded into a program, this simulates a faulty disk. With NO_SYNC, syncs do nothing. Syncs or writes fail while the
// file named by SYNC_FAILS_WHILE or WRITE_FAILS_WHILE exists.
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int is_failing(const char *variable) {
  const char *file = getenv(variable);
  return file != NULL && access(file, F_OK) == 0;
}

static int sync_file(long call, int file) {
  if (getenv("NO_SYNC") != NULL) return 0;
  if (!is_failing("SYNC_FAILS_WHILE")) return syscall(call, file);
  errno = EIO;
  return -1;
}

int fsync(int file) { return sync_file(SYS_fsync, file); }

int fdatasync(int file) { return sync_file(SYS_fdatasync, file); }

int sync_file_range(int file, off_t start, off_t length, unsigned flags) {
  return getenv("NO_SYNC") != NULL ? 0 : syscall(SYS_sync_file_range, file, start, length, flags);
}

// A failing write writes the first half.
ssize_t pwrite64(int file, const void *bytes, size_t length, off_t at) {
  if (!is_failing("WRITE_FAILS_WHILE")) return syscall(SYS_pwrite64, file, bytes, length, at);
  syscall(SYS_pwrite64, file, bytes, length / 2, at);
  errno = EIO;
  return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }
