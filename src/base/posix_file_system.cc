// The operating system's files. See base/file_system.h for the contract.
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/file_system.h"

namespace cairn {
namespace {

// Zeros are written in pieces of this size where the file system cannot reserve space.
constexpr size_t kZeroChunkBytes = 1u << 20;

Error os_error(std::string_view operation, std::string_view path, int error) {
  const auto code = [&] {
    switch (error) {
      case ENOSPC:
      case EDQUOT:
      case EFBIG:
        return ErrorCode::Exhausted;
      case ENOENT:
        return ErrorCode::NotFound;
      default:
        return ErrorCode::Io;
    }
  }();
  return make_error(code, fmt::format("cannot {} {}: {}", operation, path,
                                      std::generic_category().message(error)));
}

// Repeats a call that a signal interrupted.
template <class Call>
auto retry(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    // Nothing to report: what must last was synced before.
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = retry([&] {
        return ::pread(fd_.get(), out.data() + done, out.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (n < 0) return os_error("read", path_, errno);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  Result<void> write_at(uint64_t offset, std::span<const std::byte> bytes) override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t n = retry([&] {
        return ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                        static_cast<off_t>(offset + done));
      });
      if (n < 0) return os_error("write", path_, errno);
      if (n == 0) return os_error("write", path_, ENOSPC);
      done += static_cast<size_t>(n);
    }
    return {};
  }

  Result<void> sync() override {
    // Never repeated after an error: the kernel may have dropped the dirty pages by then.
    if (retry([&] { return ::fdatasync(fd_.get()); }) < 0) return os_error("sync", path_, errno);
    return {};
  }

  Result<void> allocate(uint64_t size) override {
    CAIRN_TRY_ASSIGN(const uint64_t current, this->size());
    if (size <= current) return {};
#ifdef __linux__
    if (retry([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) == 0) {
      return {};
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS) return os_error("reserve space in", path_, errno);
#endif
    return write_zeros(current, size);
  }

  Result<void> truncate(uint64_t size) override {
    if (retry([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(size)); }) < 0) {
      return os_error("truncate", path_, errno);
    }
    return {};
  }

  Result<uint64_t> size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) < 0) return os_error("get the size of", path_, errno);
    return static_cast<uint64_t>(info.st_size);
  }

 private:
  Result<void> write_zeros(uint64_t from, uint64_t to) {
    const std::vector<std::byte> zeros(std::min<uint64_t>(kZeroChunkBytes, to - from));
    for (uint64_t at = from; at < to;) {
      const size_t n = std::min<uint64_t>(zeros.size(), to - at);
      CAIRN_TRY(write_at(at, std::span(zeros).first(n)));
      at += n;
    }
    return {};
  }

  Descriptor fd_;
  std::string path_;
};

class PosixLock final : public FileLock {
 public:
  explicit PosixLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;  // closing it releases the lock
};

// The holder's pid as it wrote it into the lock file; empty when it cannot be told.
std::string lock_holder(int fd) {
  char text[16];
  const ssize_t n = ::pread(fd, text, sizeof(text), 0);
  int pid = 0;
  if (n <= 0 || std::from_chars(text, text + n, pid).ec != std::errc{} || pid <= 0) return {};
  return fmt::format(" (pid {})", pid);
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    int flags = O_CLOEXEC | O_NONBLOCK;  // a FIFO in the way must not hang us
    flags |= mode == OpenMode::Read ? O_RDONLY : O_RDWR;
    if (creates(mode)) flags |= O_CREAT | O_EXCL;
    const mode_t rights = mode == OpenMode::CreatePrivate ? 0600 : 0644;
    Descriptor fd(retry([&] { return ::open(path.c_str(), flags, rights); }));
    if (fd.get() < 0) {
      const int error = errno;
      if (error == EEXIST) {
        return make_error(ErrorCode::Conflict,
                          fmt::format("cannot create {}: it exists already", path));
      }
      if (error == EISDIR) return not_a_file(path);
      return os_error(creates(mode) ? "create" : "open", path, error);
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) < 0) return os_error("open", path, errno);
    if (!S_ISREG(info.st_mode)) return not_a_file(path);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(std::move(fd), path));
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(directory.c_str()), ::closedir);
    if (!dir) return os_error("list", directory, errno);
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const dirent* entry = ::readdir(dir.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    if (errno != 0) return os_error("list", directory, errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<bool> exists(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return os_error("look at", path, errno);
  }

  Result<void> make_directory(const std::string& path) override {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
      return S_ISDIR(info.st_mode) ? Result<void>() : os_error("make directory", path, ENOTDIR);
    }
    const std::string parent = parent_of(path);
    if (parent != path) CAIRN_TRY(make_directory(parent));
    if (::mkdir(path.c_str(), 0755) < 0) {
      if (errno == EEXIST) return {};  // another process was faster, or a trailing slash
      return os_error("make directory", path, errno);
    }
    return sync_directory(parent);
  }

  Result<void> rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) < 0) {
      return os_error("rename", fmt::format("{} to {}", from, to), errno);
    }
    return {};
  }

  Result<void> remove_file(const std::string& path) override {
    if (::unlink(path.c_str()) < 0) return os_error("remove", path, errno);
    return {};
  }

  Result<void> sync_directory(const std::string& directory) override {
    const Descriptor fd(
        retry([&] { return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (fd.get() < 0) return os_error("open directory", directory, errno);
    if (retry([&] { return ::fsync(fd.get()); }) < 0) {
      return os_error("sync directory", directory, errno);
    }
    return {};
  }

  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    Descriptor fd(retry([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); }));
    if (fd.get() < 0) return os_error("open lock file", path, errno);
    if (retry([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno != EWOULDBLOCK) return os_error("lock", path, errno);
      return make_error(ErrorCode::Conflict,
                        fmt::format("{} is locked by another process{}; stop it first", path,
                                    lock_holder(fd.get())));
    }
    // The pid is a courtesy for the message above; the lock holds without it, full disk or not.
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(fd.get(), 0) == 0) {
      [[maybe_unused]] const ssize_t written = ::pwrite(fd.get(), pid.data(), pid.size(), 0);
    }
    return std::unique_ptr<FileLock>(std::make_unique<PosixLock>(std::move(fd)));
  }

 private:
  static Error not_a_file(const std::string& path) {
    return make_error(ErrorCode::Io,
                      fmt::format("cannot open {}: it is a directory or another thing that is "
                                  "not a regular file",
                                  path));
  }

  static std::string parent_of(const std::string& path) {
    const size_t slash = path.find_last_of('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
  }
};

}  // namespace

std::unique_ptr<FileSystem> make_posix_file_system() { return std::make_unique<PosixFileSystem>(); }

}  // namespace cairn
