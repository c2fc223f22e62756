// Usage: power-cut FOLDER SEED. Cuts the power of the folder's disk: unsynced data never reaches it, except some pages of
// the folder's files and perhaps the file system's own log, as SEED decides.
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXT4_IOC_SHUTDOWN 0x8004587d
#define EXT4_GOING_FLAGS_LOGFLUSH 1
#define EXT4_GOING_FLAGS_NOLOGFLUSH 2
#define PAGE 4096

static void write_some_pages(int folder, const char *name) {
  struct stat found;
  int file = openat(folder, name, O_RDWR);
  if (file < 0 || fstat(file, &found) != 0) return;
  for (off_t at = 0; at < found.st_size; at += PAGE)
    if (random() % 2) sync_file_range(file, at, PAGE, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
  close(file);
}

int main(int count, char **words) {
  DIR *folder = count == 3 ? opendir(words[1]) : NULL;
  if (folder != NULL) {
    srandom(atoi(words[2]));
    if (random() % 2)
      for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_type == DT_REG) write_some_pages(dirfd(folder), entry->d_name);
    uint32_t how = random() % 2 ? EXT4_GOING_FLAGS_LOGFLUSH : EXT4_GOING_FLAGS_NOLOGFLUSH;
    if (ioctl(dirfd(folder), EXT4_IOC_SHUTDOWN, &how) == 0) return 0;
  }
  perror("power-cut");
  return 1;
}
