#include "client/rejects_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace cairn::client {
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

}  // namespace

Result<void> check_rejects(const std::string& rejects, const std::string& store,
                           const std::vector<std::string>& inputs) {
  if (lies_in(rejects, store)) {
    return make_error(ErrorCode::InvalidArgument,
                      "--rejects " + rejects +
                          ": lies in the store, whose files are its own; name another place");
  }
  for (const std::string& path : inputs) {
    if (path == "-" || !same_file(path, rejects)) continue;
    return make_error(ErrorCode::InvalidArgument,
                      path + ": is read, and --rejects would write to it; name another");
  }
  return {};
}

RejectsFile::~RejectsFile() {
  output_.reset();  // writes to it
  if (fd_ >= 0) ::close(fd_);
}

Result<void> RejectsFile::open() {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) return failed("cannot open", errno);
  output_ = std::make_unique<Output>(fd_, "--rejects " + path_);
  return {};
}

Result<void> RejectsFile::add(const Refusal& refusal) {
  output_->line(rejected_line(refusal));
  return output_->closed() ? output_->flush() : Result<void>();
}

Result<void> RejectsFile::finish() {
  CAIRN_TRY(output_->flush());
  if (::fsync(fd_) != 0 && errno != EINVAL) return failed("cannot sync", errno);
  return {};
}

Error RejectsFile::failed(const char* what, int code) const {
  return make_error(ErrorCode::Io,
                    fmt::format("--rejects {}: {}: {}", path_, what, std::strerror(code)));
}

std::string refusal_text(const Refusal& refusal) {
  std::string place = fmt::format("{}:{}", refusal.file, refusal.line);
  if (refusal.error.position) place += fmt::format(":{}", *refusal.error.position + 1);
  return fmt::format("{}: refused: {}", place, refusal.error.message);
}

}  // namespace cairn::client
