#include "verbs/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace cairn::verbs {
namespace {

// Whether two paths lead to one existing file, whatever they are called.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error) && !error;
}

// Whether `path` would lie in `directory` or below it.
bool lies_in(const std::string& path, const std::string& directory) {
  std::error_code error;
  const auto inner = std::filesystem::weakly_canonical(path, error);
  if (error) return false;
  const auto outer = std::filesystem::weakly_canonical(directory, error);
  if (error) return false;
  const auto ends = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  return ends.first == outer.end();
}

class FileWriter final : public Files::Writer {
 public:
  FileWriter(int fd, std::string name)
      : fd_(fd), name_(std::move(name)), sink_(descriptor_sink(fd, name_)) {}
  ~FileWriter() override { ::close(fd_); }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  Result<void> write(std::string_view bytes) override { return sink_(bytes); }
  Result<void> finish() override {
    if (::fsync(fd_) == 0 || errno == EINVAL) return {};
    return make_error(ErrorCode::Io,
                      fmt::format("{}: cannot sync: {}", name_, std::strerror(errno)));
  }

 private:
  int fd_;
  std::string name_;
  Sink sink_;
};

Error io_error(const std::string& name, std::string_view what) {
  return make_error(ErrorCode::Io, fmt::format("{}: cannot {}: {}", name, what, strerror(errno)));
}

// Writes beside the file, and puts it in its place at the end.
class ReplacingWriter final : public Files::Writer {
 public:
  ReplacingWriter(int fd, std::string name, std::string path, std::string beside)
      : file_(fd, std::move(name)), path_(std::move(path)), beside_(std::move(beside)) {}
  ~ReplacingWriter() override {
    if (!placed_) ::unlink(beside_.c_str());
  }
  ReplacingWriter(const ReplacingWriter&) = delete;
  ReplacingWriter& operator=(const ReplacingWriter&) = delete;

  Result<void> write(std::string_view bytes) override {
    any_ = any_ || !bytes.empty();
    return file_.write(bytes);
  }
  Result<void> finish() override {
    if (!any_ || placed_) return {};
    CAIRN_TRY(file_.finish());
    if (::rename(beside_.c_str(), path_.c_str()) != 0) return io_error(path_, "write");
    placed_ = true;
    return {};
  }

 private:
  FileWriter file_;
  const std::string path_;
  const std::string beside_;
  bool any_ = false;
  bool placed_ = false;
};

}  // namespace

Result<void> LocalFiles::check_readable(const std::string& path) {
  CAIRN_TRY(verbs::check_readable(path));
  return {};
}

Result<std::unique_ptr<ByteSource>> LocalFiles::read(const std::string& path, WaitHooks hooks) {
  return open_bytes(path, std::move(hooks));
}

Result<void> LocalFiles::check_writable(const std::string& option, const std::string& path,
                                        const std::string& store,
                                        const std::vector<std::string>& inputs) {
  if (lies_in(path, store)) {
    return make_error(
        ErrorCode::InvalidArgument,
        fmt::format("{} {}: lies in the store, whose files are its own; name another place", option,
                    path));
  }
  for (const std::string& input : inputs) {
    if (input == "-" || !same_file(input, path)) continue;
    return make_error(
        ErrorCode::InvalidArgument,
        fmt::format("{}: is read, and {} would write to it; name another", input, option));
  }
  return {};
}

Result<std::unique_ptr<Files::Writer>> LocalFiles::append(const std::string& option,
                                                          const std::string& path) {
  const std::string name = option + " " + path;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) {
    return make_error(ErrorCode::Io,
                      fmt::format("{}: cannot open: {}", name, std::strerror(errno)));
  }
  return std::unique_ptr<Writer>(new FileWriter(fd, name));
}

Result<std::unique_ptr<Files::Writer>> LocalFiles::replace(const std::string& option,
                                                           const std::string& path) {
  const std::string name = option + " " + path;
  std::error_code error;
  const auto there = std::filesystem::status(path, error);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    return make_error(ErrorCode::InvalidArgument,
                      name + ": is no file; name one, or - for the standard output");
  }
  const std::string beside = fmt::format("{}.{}.part", path, ::getpid());
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return io_error(name, "open");
  return std::unique_ptr<Writer>(new ReplacingWriter(fd, name, path, beside));
}

// --- files of a call ----------------------------------------------------------------------------

class NamedFiles::Appender final : public Files::Writer {
 public:
  Appender(NamedFiles& files, std::string name, std::string& bytes)
      : files_(files), name_(std::move(name)), bytes_(bytes) {}

  Result<void> write(std::string_view bytes) override {
    if (bytes.size() > kMaxWritten - files_.written_bytes_) {
      return make_error(
          ErrorCode::Exhausted,
          fmt::format("{}: more than {} bytes; run this in smaller pieces", name_, kMaxWritten));
    }
    files_.written_bytes_ += bytes.size();
    bytes_.append(bytes);
    return {};
  }
  Result<void> finish() override { return {}; }

 private:
  NamedFiles& files_;
  std::string name_;
  std::string& bytes_;
};

void NamedFiles::give(std::string path, Result<std::string> bytes) {
  given_.insert_or_assign(std::move(path), std::move(bytes));
}

Result<const std::string*> NamedFiles::find(const std::string& path) const {
  const auto found = given_.find(path);
  if (found == given_.end()) {
    return make_error(ErrorCode::NotFound,
                      path + ": did not come along with the call, and is read nowhere else");
  }
  if (!found->second.ok()) return found->second.error();
  return &*found->second;
}

Result<void> NamedFiles::check_readable(const std::string& path) {
  CAIRN_TRY(find(path));
  return {};
}

Result<std::unique_ptr<ByteSource>> NamedFiles::read(const std::string& path, WaitHooks) {
  CAIRN_TRY_ASSIGN(const std::string* bytes, find(path));
  return open_memory(path == "-" ? "(stdin)" : path, *bytes);
}

Result<void> NamedFiles::check_writable(const std::string&, const std::string&, const std::string&,
                                        const std::vector<std::string>&) {
  return {};
}

Result<std::unique_ptr<Files::Writer>> NamedFiles::append(const std::string& option,
                                                          const std::string& path) {
  return std::unique_ptr<Writer>(new Appender(*this, option + " " + path, written_[path]));
}

Result<std::unique_ptr<Files::Writer>> NamedFiles::replace(const std::string& option,
                                                           const std::string& path) {
  return append(option, path);
}

Result<std::unique_ptr<LineSource>> open_lines(Files& files, const std::string& path,
                                               WaitHooks hooks) {
  CAIRN_TRY_ASSIGN(auto bytes, files.read(path, std::move(hooks)));
  return std::unique_ptr<LineSource>(new FileLines(std::move(bytes)));
}

}  // namespace cairn::verbs
