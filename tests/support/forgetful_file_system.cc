#include "support/forgetful_file_system.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cairn::testing {
namespace {

constexpr uint64_t kSectorBytes = 512;

std::string directory_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

bool coin(std::mt19937_64& random) { return (random() & 1) != 0; }

}  // namespace

struct ForgetfulFileSystem::Node {
  std::vector<std::byte> bytes;
  std::vector<std::byte> durable;
  std::set<uint64_t> dirty_sectors;

  void touch(uint64_t from, uint64_t to) {
    for (uint64_t s = from / kSectorBytes; s * kSectorBytes < to; ++s) dirty_sectors.insert(s);
  }

  void resize(uint64_t size) {
    touch(std::min<uint64_t>(size, bytes.size()), std::max<uint64_t>(size, bytes.size()));
    bytes.resize(size);
  }

  void write(uint64_t offset, std::span<const std::byte> data) {
    if (offset + data.size() > bytes.size()) resize(offset + data.size());
    std::copy(data.begin(), data.end(), bytes.begin() + static_cast<ptrdiff_t>(offset));
    touch(offset, offset + data.size());
  }

  void sync() {
    durable = bytes;
    dirty_sectors.clear();
  }

  void crash(std::mt19937_64* keep) {
    std::vector<std::byte> left = durable;
    if (keep != nullptr) {
      // The size is one fact of its own; sectors follow it one by one.
      if (coin(*keep)) left.resize(bytes.size());
      for (const uint64_t sector : dirty_sectors) {
        const uint64_t from = sector * kSectorBytes;
        const uint64_t to = std::min<uint64_t>({from + kSectorBytes, left.size(), bytes.size()});
        if (from < to && coin(*keep)) {
          std::copy(bytes.begin() + static_cast<ptrdiff_t>(from),
                    bytes.begin() + static_cast<ptrdiff_t>(to),
                    left.begin() + static_cast<ptrdiff_t>(from));
        }
      }
    }
    bytes = left;
    sync();
  }
};

// One created, renamed or removed name. A rename is one change: it happens or not.
struct ForgetfulFileSystem::NameChange {
  std::string removed;  // empty: nothing
  std::string added;    // empty: nothing
  std::shared_ptr<Node> node;

  void apply(std::map<std::string, std::shared_ptr<Node>>& names) const {
    if (!removed.empty()) names.erase(removed);
    if (!added.empty()) names[added] = node;
  }
};

class ForgetfulFileSystem::OpenFile final : public File {
 public:
  OpenFile(ForgetfulFileSystem& files, std::shared_ptr<Node> node, std::string path)
      : files_(files), node_(std::move(node)), path_(std::move(path)), boot_(files.boot_) {}

  Result<size_t> read_at(uint64_t offset, std::span<std::byte> out) const override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    if (offset >= node_->bytes.size()) return size_t{0};
    const size_t n = std::min<uint64_t>(out.size(), node_->bytes.size() - offset);
    std::copy_n(node_->bytes.begin() + static_cast<ptrdiff_t>(offset), n, out.begin());
    return n;
  }

  Result<void> write_at(uint64_t offset, std::span<const std::byte> bytes) override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    if (auto counted = files_.count_call("write", path_); !counted.ok()) {
      node_->write(offset, bytes.first(bytes.size() / 2));
      return counted;
    }
    if (!files_.fits(*node_, offset + bytes.size())) return disk_full("write");
    node_->write(offset, bytes);
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    CAIRN_TRY(files_.count_call("sync", path_));
    node_->sync();
    return {};
  }

  Result<void> allocate(uint64_t size) override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    CAIRN_TRY(files_.count_call("allocate", path_));
    if (!files_.fits(*node_, size)) return disk_full("reserve space in");
    if (size > node_->bytes.size()) node_->resize(size);
    return {};
  }

  Result<void> truncate(uint64_t size) override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    CAIRN_TRY(files_.count_call("truncate", path_));
    node_->resize(size);
    return {};
  }

  Result<uint64_t> size() const override {
    const std::lock_guard guard(files_.mutex_);
    CAIRN_TRY(alive());
    return uint64_t{node_->bytes.size()};
  }

 private:
  Result<void> alive() const {
    if (boot_ == files_.boot_) return {};
    return make_error(ErrorCode::Io, fmt::format("{} was opened before the power cut", path_));
  }

  Error disk_full(std::string_view operation) const {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("cannot {} {}: disk full", operation, path_));
  }

  ForgetfulFileSystem& files_;
  std::shared_ptr<Node> node_;
  std::string path_;
  uint64_t boot_;
};

class ForgetfulFileSystem::Lock final : public FileLock {
 public:
  Lock(ForgetfulFileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), boot_(files.boot_) {}
  ~Lock() override {
    const std::lock_guard guard(files_.mutex_);
    if (boot_ == files_.boot_) files_.locked_.erase(path_);
  }

 private:
  ForgetfulFileSystem& files_;
  std::string path_;
  uint64_t boot_;
};

ForgetfulFileSystem::ForgetfulFileSystem() = default;
ForgetfulFileSystem::~ForgetfulFileSystem() = default;

std::shared_ptr<ForgetfulFileSystem::Node> ForgetfulFileSystem::find(
    const std::string& path) const {
  const auto it = names_.find(path);
  return it == names_.end() ? nullptr : it->second;
}

Error ForgetfulFileSystem::no_entry(const std::string& operation, const std::string& path) const {
  return make_error(ErrorCode::NotFound,
                    fmt::format("cannot {} {}: no such file or directory", operation, path));
}

Result<void> ForgetfulFileSystem::count_call(const std::string& operation,
                                             const std::string& path) {
  ++calls_;
  if (power_cut_ && calls_ >= *power_cut_) {
    return make_error(ErrorCode::Io, fmt::format("cannot {} {}: power is off", operation, path));
  }
  const auto fault = faults_.find(calls_);
  if (fault == faults_.end()) return {};
  return make_error(fault->second, fmt::format("cannot {} {}: planned fault", operation, path));
}

bool ForgetfulFileSystem::fits(const Node& node, uint64_t new_size) const {
  if (!byte_limit_ || new_size <= node.bytes.size()) return true;
  uint64_t used = new_size - node.bytes.size();
  for (const auto& [name, each] : names_) used += each->bytes.size();
  return used <= *byte_limit_;
}

Result<std::unique_ptr<File>> ForgetfulFileSystem::open(const std::string& path, OpenMode mode) {
  const std::lock_guard guard(mutex_);
  std::shared_ptr<Node> node = find(path);
  if (creates(mode)) {
    CAIRN_TRY(count_call("create", path));
    if (node) return make_error(ErrorCode::Conflict, "cannot create " + path + ": it exists");
    if (!directories_.contains(directory_of(path))) return no_entry("create", path);
    node = std::make_shared<Node>();
    unsynced_changes_.push_back({"", path, node});
    unsynced_changes_.back().apply(names_);
  }
  if (!node) return no_entry("open", path);
  return std::unique_ptr<File>(std::make_unique<OpenFile>(*this, node, path));
}

Result<std::vector<std::string>> ForgetfulFileSystem::list(const std::string& directory) {
  const std::lock_guard guard(mutex_);
  if (!directories_.contains(directory)) return no_entry("list", directory);
  std::vector<std::string> names;
  const auto add = [&](const std::string& path) {
    if (directory_of(path) == directory) names.push_back(path.substr(directory.size() + 1));
  };
  for (const auto& [path, node] : names_) add(path);
  for (const auto& path : directories_) add(path);
  std::sort(names.begin(), names.end());
  return names;
}

Result<bool> ForgetfulFileSystem::exists(const std::string& path) {
  const std::lock_guard guard(mutex_);
  return names_.contains(path) || directories_.contains(path);
}

Result<void> ForgetfulFileSystem::make_directory(const std::string& path) {
  const std::lock_guard guard(mutex_);
  CAIRN_TRY(count_call("make directory", path));
  for (std::string each = path; each != "." && !each.empty(); each = directory_of(each)) {
    directories_.insert(each);
  }
  return {};
}

Result<void> ForgetfulFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard guard(mutex_);
  CAIRN_TRY(count_call("rename", from));
  const auto node = find(from);
  if (!node) return no_entry("rename", from);
  unsynced_changes_.push_back({from, to, node});
  unsynced_changes_.back().apply(names_);
  return {};
}

Result<void> ForgetfulFileSystem::remove_file(const std::string& path) {
  const std::lock_guard guard(mutex_);
  CAIRN_TRY(count_call("remove", path));
  if (!find(path)) return no_entry("remove", path);
  unsynced_changes_.push_back({path, "", nullptr});
  unsynced_changes_.back().apply(names_);
  return {};
}

Result<void> ForgetfulFileSystem::sync_directory(const std::string& directory) {
  const std::lock_guard guard(mutex_);
  CAIRN_TRY(count_call("sync directory", directory));
  std::vector<NameChange> others;
  for (NameChange& change : unsynced_changes_) {
    const std::string& path = change.added.empty() ? change.removed : change.added;
    if (directory_of(path) == directory) {
      change.apply(durable_names_);
    } else {
      others.push_back(std::move(change));
    }
  }
  unsynced_changes_ = std::move(others);
  return {};
}

Result<std::unique_ptr<FileLock>> ForgetfulFileSystem::lock(const std::string& path) {
  const std::lock_guard guard(mutex_);
  if (!locked_.insert(path).second) {
    return make_error(ErrorCode::Conflict, path + " is locked by another process");
  }
  return std::unique_ptr<FileLock>(std::make_unique<Lock>(*this, path));
}

void ForgetfulFileSystem::crash(std::mt19937_64* keep) {
  const std::lock_guard guard(mutex_);
  ++boot_;
  faults_.clear();
  power_cut_.reset();
  locked_.clear();
  if (keep != nullptr) {
    // Names are journalled in order: a random number of the oldest changes made it.
    const size_t kept = (*keep)() % (unsynced_changes_.size() + 1);
    for (size_t i = 0; i < kept; ++i) unsynced_changes_[i].apply(durable_names_);
  }
  unsynced_changes_.clear();
  names_ = durable_names_;
  for (const auto& [path, node] : names_) node->crash(keep);
}

uint64_t ForgetfulFileSystem::calls() const {
  const std::lock_guard guard(mutex_);
  return calls_;
}

void ForgetfulFileSystem::fail_call(uint64_t call, ErrorCode code) {
  const std::lock_guard guard(mutex_);
  faults_[call] = code;
}

void ForgetfulFileSystem::cut_power_at(uint64_t call) {
  const std::lock_guard guard(mutex_);
  power_cut_ = call;
}

void ForgetfulFileSystem::limit_bytes(std::optional<uint64_t> bytes) {
  const std::lock_guard guard(mutex_);
  byte_limit_ = bytes;
}

std::vector<std::byte> ForgetfulFileSystem::read_file(const std::string& path) const {
  const std::lock_guard guard(mutex_);
  const auto node = find(path);
  return node ? node->bytes : std::vector<std::byte>();
}

void ForgetfulFileSystem::write_file(const std::string& path, std::vector<std::byte> bytes) {
  const std::lock_guard guard(mutex_);
  const auto node = std::make_shared<Node>();
  node->bytes = std::move(bytes);
  node->sync();
  names_[path] = durable_names_[path] = node;
  for (std::string each = directory_of(path); each != "." && !each.empty();
       each = directory_of(each)) {
    directories_.insert(each);
  }
}

}  // namespace cairn::testing
