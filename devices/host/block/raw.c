/* SPDX-License-Identifier: MIT */
/*
 * Raw images: opening with a lock that QEMU's tools respect too, and the requests as positioned system calls.
 * The file's open description carries the locks, so they go with the process.
 */
#include "devices/host/block/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

/*
 * QEMU's scheme of byte-range locks on an image: a shared lock on byte USED + n says that the opener
 * exercises permission n, one on byte DENIED + n that nobody else may. Permissions: 0 read, 1 write, 3
 * resize.
 */
enum { LOCK_USED = 100, LOCK_DENIED = 200, PERM_READ = 0, PERM_WRITE = 1, PERM_RESIZE = 3 };

static bool lock_byte(int fd, off_t at)
{
        struct flock fl = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

        return fcntl(fd, F_OFD_SETLK, &fl) == 0;
}

static bool byte_is_locked(int fd, off_t at)
{
        struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};

        return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

/*
 * A process that has the file open, other than this one: the kernel does not say who holds such a lock. 0:
 * unknown.
 */
static int find_holder(const struct stat *want)
{
        GDir *proc = g_dir_open("/proc", 0, NULL);
        const char *name;
        int found = 0;

        while (proc && !found && (name = g_dir_read_name(proc))) {
                int pid = atoi(name);
                char *path = g_strdup_printf("/proc/%d/fd", pid);
                GDir *fds = pid > 0 && pid != getpid() ? g_dir_open(path, 0, NULL) : NULL;
                const char *fd;

                while (fds && !found && (fd = g_dir_read_name(fds))) {
                        char *link = g_build_filename(path, fd, NULL);
                        struct stat st;

                        if (stat(link, &st) == 0 && st.st_dev == want->st_dev && st.st_ino == want->st_ino)
                                found = pid;
                        g_free(link);
                }
                if (fds)
                        g_dir_close(fds);
                g_free(path);
        }
        if (proc)
                g_dir_close(proc);
        return found;
}

static bool raw_lock(struct raw_image *raw, const struct block_options *opt, const struct stat *st,
                     GError **error)
{
        bool busy;
        int holder;

        /* file systems without such locks have no protection to offer */
        if (!lock_byte(raw->fd, LOCK_USED + PERM_READ))
                return true;
        lock_byte(raw->fd, LOCK_DENIED + PERM_WRITE);
        lock_byte(raw->fd, LOCK_DENIED + PERM_RESIZE);
        busy = byte_is_locked(raw->fd, LOCK_DENIED + PERM_READ) ||
                byte_is_locked(raw->fd, LOCK_USED + PERM_WRITE) ||
               byte_is_locked(raw->fd, LOCK_USED + PERM_RESIZE);
        if (!raw->read_only) {
                lock_byte(raw->fd, LOCK_USED + PERM_WRITE);
                busy |= byte_is_locked(raw->fd, LOCK_DENIED + PERM_WRITE);
        }
        if (!busy)
                return true;
        holder = find_holder(st);
        if (holder)
                return error_set(error, RHEA_ERROR_FILE, "%s is in use by process %d; stop that one%s",
                                 opt->file,
                                 holder, raw->read_only ? "" : ", or add read-only=on to both");
        return error_set(error, RHEA_ERROR_FILE, "%s is in use by another process or drive; stop that one%s",
                         opt->file,
                         raw->read_only ? "" : ", or add read-only=on to both");
}

static bool raw_measure(struct raw_image *raw, const struct stat *st)
{
        if (S_ISBLK(st->st_mode)) {
                if (ioctl(raw->fd, BLKGETSIZE64, &raw->file_size) != 0)
                        return false;
        } else if (S_ISREG(st->st_mode)) {
                raw->file_size = st->st_size;
        } else {
                errno = EINVAL;
                return false;
        }
        raw->size = (raw->file_size + 511) & ~(uint64_t)511;
        return true;
}

bool raw_open(struct raw_image *raw, const struct block_options *opt, GError **error)
{
        struct stat st;

        raw->read_only = opt->read_only;
        raw->can_discard = opt->discard && !opt->read_only;
        raw->fd = open(opt->file, (opt->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
        if (raw->fd < 0) {
                bool hint = !opt->read_only && (errno == EACCES || errno == EROFS || errno == EPERM);

                return error_set(error, RHEA_ERROR_FILE, "cannot open disk image %s: %s%s", opt->file,
                                 g_strerror(errno),
                                 hint ? "; read-only=on may do" : "");
        }
        if (fstat(raw->fd, &st) != 0 || !raw_measure(raw, &st))
                error_set(error, RHEA_ERROR_FILE, "%s is neither a regular file nor a block device",
                          opt->file);
        else if (opt->no_lock || raw_lock(raw, opt, &st, error))
                return true;
        raw_close(raw);
        return false;
}

void raw_close(struct raw_image *raw)
{
        if (raw->fd >= 0)
                close(raw->fd);
        raw->fd = -1;
}

/* ---- requests ---- */

/* All of @len bytes through a scratch list of iovecs, so that short transfers can be continued. */
static int raw_transfer(struct raw_image *raw, const struct block_request *req)
{
        struct iovec *iov = g_memdup2(req->iov, req->n_iov * sizeof(*iov));
        unsigned first = 0;
        uint64_t done = 0;
        int result = 0;

        while (done < req->len && first < req->n_iov) {
                unsigned n = MIN(req->n_iov - first, 1024);
                ssize_t rc = req->op == BLOCK_READ ? preadv(raw->fd, iov + first, n, req->offset + done)
                                                   : pwritev(raw->fd, iov + first, n, req->offset + done);

                if (rc < 0 && errno == EINTR)
                        continue;
                if (rc < 0 || (rc == 0 && req->op == BLOCK_WRITE)) {
                        result = rc < 0 ? -errno : -EIO;
                        break;
                }
                if (rc == 0) {
                        /* past the file's end, within its last sector */
                        for (; first < req->n_iov; first++)
                                memset(iov[first].iov_base, 0, iov[first].iov_len);
                        break;
                }
                done += rc;
                while (first < req->n_iov && (size_t)rc >= iov[first].iov_len)
                        rc -= iov[first++].iov_len;
                if (first < req->n_iov) {
                        iov[first].iov_base = (char *)iov[first].iov_base + rc;
                        iov[first].iov_len -= rc;
                }
        }
        g_free(iov);
        return result;
}

static int raw_fallocate(struct raw_image *raw, int mode, uint64_t offset, uint64_t len)
{
        int rc;

        do {
                rc = fallocate(raw->fd, mode | FALLOC_FL_KEEP_SIZE, offset, len);
        } while (rc != 0 && errno == EINTR);
        return rc ? -errno : 0;
}

static int raw_write_zeroes(struct raw_image *raw, const struct block_request *req)
{
        static const uint8_t zeros[65536];
        uint64_t at = req->offset, end = req->offset + req->len;
        int rc = -EOPNOTSUPP;

        if (req->unmap && raw->can_discard)
                rc = raw_fallocate(raw, FALLOC_FL_PUNCH_HOLE, req->offset, req->len);
        if (rc)
                rc = raw_fallocate(raw, FALLOC_FL_ZERO_RANGE, req->offset, req->len);
        if (!rc)
                return 0;
        while (at < end) {
                ssize_t n = pwrite(raw->fd, zeros, MIN(end - at, sizeof(zeros)), at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n ? -errno : -EIO;
                at += n;
        }
        return 0;
}

int raw_execute(struct raw_image *raw, const struct block_request *req)
{
        int rc;

        if (raw->read_only && req->op != BLOCK_READ && req->op != BLOCK_FLUSH)
                return -EROFS;
        switch (req->op) {
        case BLOCK_READ:
        case BLOCK_WRITE:
                return raw_transfer(raw, req);
        case BLOCK_FLUSH:
                return raw->read_only || fdatasync(raw->fd) == 0 ? 0 : -errno;
        case BLOCK_DISCARD:
                /* advice: a file system that cannot is no error */
                rc = raw->can_discard ? raw_fallocate(raw, FALLOC_FL_PUNCH_HOLE, req->offset, req->len) : 0;
                return rc == -EOPNOTSUPP ? 0 : rc;
        case BLOCK_WRITE_ZEROES:
                return raw_write_zeroes(raw, req);
        }
        return -EINVAL;
}
