// Backups: the log up to one LSN, copied file by file while writers go on, and a manifest that says
// what belongs to it. The index is not copied; restoring makes it from the log.
// docs/format.md, section "Backup"; docs/operations.md, "Backup".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"

namespace cairn::engine {

inline constexpr int kBackupFormat = 1;

struct BackupFile {
  std::string name;       // of a log or base file
  uint64_t bytes = 0;     // that belong to the backup; the file may be longer
  uint64_t checksum = 0;  // of these bytes
};

// What makes a directory a backup.
struct BackupManifest {
  Uuid store_id;
  Lsn lsn{};      // everything up to here is in it
  TimeUs time{};  // when it was made
  std::vector<BackupFile> files;

  const BackupFile* find(std::string_view name) const;
  uint64_t bytes() const;
};

// nullopt: the directory holds none. Corruption, Unsupported (newer format), Io.
Result<std::optional<BackupManifest>> read_manifest(FileSystem& files,
                                                    const std::string& directory);
// Whether the directory says that it is a backup.
Result<bool> is_backup(FileSystem& files, const std::string& directory);
// Takes the place of the one that is there, at once and durably.
Result<void> write_manifest(FileSystem& files, const std::string& directory,
                            const BackupManifest& manifest);

struct BackupReport {
  Uuid store_id;
  Lsn lsn{};
  uint64_t files = 0;  // in the backup
  uint64_t bytes = 0;
  uint64_t copied_files = 0;  // by this run
  uint64_t copied_bytes = 0;
  uint64_t removed_files = 0;  // that retention removed from the store
};

struct VerifyReport;
// Checks every byte that belongs to a backup. Precondition: is_backup(). Problems are in the
// report.
Result<VerifyReport> verify_backup(FileSystem& files, const std::string& directory,
                                   const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace cairn::engine
