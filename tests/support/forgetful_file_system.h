// A file system in memory that knows what would survive a power cut.
//
// Written bytes and file sizes are durable after File::sync, names after sync_directory; crash()
// throws away the rest, or keeps a random part of it as a disk may. Directories are durable at
// once, as FileSystem promises. It can fail any call, fill up, or lose power at any call.
//
// Faults a disk can show and this does too: unsynced 512-byte sectors kept or lost one by one, a
// file grown without its bytes, a truncation undone, names lost in reverse order. A sector is
// never half written. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/file_system.h"

namespace cairn::testing {

class ForgetfulFileSystem final : public FileSystem {
 public:
  ForgetfulFileSystem();
  ~ForgetfulFileSystem() override;

  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Result<void> make_directory(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> remove_file(const std::string& path) override;
  Result<void> sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

  // Power is back after a cut: unsynced bytes and names are gone; with `keep`, a random part of
  // them stayed. Open files and locks of before are dead; planned faults are forgotten.
  void crash(std::mt19937_64* keep = nullptr);

  // Calls that change something or make it durable, counted from 1.
  uint64_t calls() const;
  // Call number `call` fails with `code`; a failing write leaves half of its bytes.
  void fail_call(uint64_t call, ErrorCode code);
  // From call number `call` on every call fails: the power is off until crash().
  void cut_power_at(uint64_t call);
  // All files together hold no more than this: beyond, Exhausted.
  void limit_bytes(std::optional<uint64_t> bytes);

  // The present bytes of a file, and a way to damage or make one (durable at once).
  std::vector<std::byte> read_file(const std::string& path) const;
  void write_file(const std::string& path, std::vector<std::byte> bytes);

 private:
  struct Node;
  struct NameChange;
  class OpenFile;
  class Lock;

  std::shared_ptr<Node> find(const std::string& path) const;
  Error no_entry(const std::string& operation, const std::string& path) const;
  // Counts a changing call; an error when a fault was planned for it.
  Result<void> count_call(const std::string& operation, const std::string& path);
  bool fits(const Node& node, uint64_t new_size) const;

  mutable std::mutex mutex_;
  std::set<std::string> directories_;
  std::map<std::string, std::shared_ptr<Node>> names_;
  std::map<std::string, std::shared_ptr<Node>> durable_names_;
  std::vector<NameChange> unsynced_changes_;  // in order
  std::set<std::string> locked_;
  uint64_t boot_ = 0;  // counts crashes; files opened before the last one are dead
  uint64_t calls_ = 0;
  std::map<uint64_t, ErrorCode> faults_;
  std::optional<uint64_t> power_cut_;
  std::optional<uint64_t> byte_limit_;
};

}  // namespace cairn::testing
