// Making backups. What is copied was checked frame by frame and is durable in the store; files of
// the backup grow at their end only, so that the manifest of before stays true until the new one
// takes its place.
#include "engine/backup.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/backup_copy.h"
#include "engine/store_impl.h"
#include "log/base_file.h"
#include "log/log_end.h"

namespace cairn::engine {
namespace {

// How often it begins again because retention removed a file meanwhile.
constexpr int kAttempts = 5;

// A file of the store that belongs to the backup.
struct Wanted {
  std::string name;
  std::string path;
  uint64_t bytes = 0;
};

struct Plan {
  std::vector<Wanted> files;
  Lsn lsn{};
};

struct Source {
  FileSystem& files;
  std::string directory;  // of the log
  Uuid store_id;
};

// Reads every block: a base that cannot be read is not worth copying.
Result<uint64_t> check_base(const Source& source, Lsn lsn) {
  CAIRN_TRY_ASSIGN(const auto base,
                   log::BaseFileReader::open(source.files, source.directory, source.store_id, lsn));
  for (size_t i = 0; i < base->blocks().size(); ++i) CAIRN_TRY(base->read(i));
  return base->bytes();
}

// The end of one log file, its frames checked. Files that `known` lists whole were checked then.
Result<log::LogEnd> check_file(const Source& source, const log::LogFiles& log, size_t index,
                               const std::optional<BackupManifest>& known) {
  const log::LogFile& file = log.files[index];
  const Lsn proven = log.proven_after(index);
  const bool newest = index + 1 == log.files.size();
  if (!newest && known) {
    const BackupFile* listed = known->find(log::log_file_name(file.first_lsn));
    if (listed != nullptr && listed->bytes == file.bytes) {
      return log::LogEnd{proven, file.bytes, false};
    }
  }
  CAIRN_TRY_ASSIGN(const auto handle, source.files.open(file.path, OpenMode::Read));
  log::LogScanner scanner(*handle, log::file_seed(source.store_id, file.first_lsn));
  CAIRN_TRY(scanner.refresh());
  CAIRN_TRY_ASSIGN(log::LogEnd end, log::find_end(scanner, log, index, proven));
  if (newest) {
    // What a writer has written and not synced yet is durable from here on.
    CAIRN_TRY(handle->sync());
  } else {
    end.offset = file.bytes;
  }
  return end;
}

Result<Plan> make_plan(const Source& source, const std::optional<BackupManifest>& known) {
  Plan plan;
  CAIRN_TRY_ASSIGN(log::LogFiles log,
                   log::find_log_files(source.files, source.directory, source.store_id));
  if (log.files.empty()) {
    return make_error(ErrorCode::NotFound, "there is no log in " + source.directory);
  }
  if (log.base > Lsn{0}) {
    CAIRN_TRY_ASSIGN(const uint64_t bytes, check_base(source, log.base));
    const std::string name = log::base_file_name(log.base);
    plan.files.push_back({name, source.directory + "/" + name, bytes});
  }
  for (size_t i = 0; i < log.files.size(); ++i) {
    CAIRN_TRY_ASSIGN(const log::LogEnd end, check_file(source, log, i, known));
    plan.files.push_back(
        {log::log_file_name(log.files[i].first_lsn), log.files[i].path, end.offset});
    plan.lsn = end.last_lsn;
  }
  return plan;
}

Error lost_bytes(const Wanted& file, const std::string& destination) {
  return make_error(
      ErrorCode::Conflict,
      fmt::format("{} is not what the backup in {} has of it: the store lost or changed what was "
                  "backed up. The backup was left as it is; run 'cairn verify' on both, and make "
                  "further backups in another directory",
                  file.path, destination));
}

class Backup {
 public:
  Backup(const Source& source, std::string destination, const Progress& progress)
      : source_(source), destination_(std::move(destination)), progress_(progress) {}

  Result<BackupReport> run(TimeUs now) {
    CAIRN_TRY(prepare());
    CAIRN_TRY_ASSIGN(const Plan plan, make_plan(source_, known_));
    manifest_.store_id = source_.store_id;
    manifest_.lsn = plan.lsn;
    manifest_.time = now;
    for (const Wanted& file : plan.files) total_ += file.bytes;
    for (const Wanted& file : plan.files) CAIRN_TRY(take(file));
    CAIRN_TRY(source_.files.sync_directory(log_directory()));
    CAIRN_TRY(write_manifest(source_.files, destination_, manifest_));
    CAIRN_TRY(remove_others());
    report_.store_id = manifest_.store_id;
    report_.lsn = manifest_.lsn;
    report_.files = manifest_.files.size();
    report_.bytes = manifest_.bytes();
    return report_;
  }

 private:
  std::string log_directory() const { return destination_ + "/log"; }

  // The destination is new, empty, or holds a backup of this store.
  Result<void> prepare() {
    CAIRN_TRY(source_.files.make_directory(destination_));
    CAIRN_TRY_ASSIGN(const auto names, source_.files.list(destination_));
    CAIRN_TRY_ASSIGN(known_, read_manifest(source_.files, destination_));
    for (const std::string& name : names) {
      if (name == "lock" || name == "log" || name.starts_with("cairn.backup")) continue;
      return make_error(ErrorCode::Conflict,
                        fmt::format("{} holds other things ('{}'): name a new or empty directory, "
                                    "or that of an earlier backup",
                                    destination_, name));
    }
    CAIRN_TRY_ASSIGN(lock_, source_.files.lock(destination_ + "/lock"));
    if (known_ && known_->store_id != source_.store_id) {
      return make_error(ErrorCode::Conflict, fmt::format("{} holds a backup of another store ({})",
                                                         destination_, known_->store_id.dashed()));
    }
    return source_.files.make_directory(log_directory());
  }

  // Bytes of the file that are in the backup already.
  Result<uint64_t> present(const BackupFile* listed, const std::string& path) {
    if (listed == nullptr) return 0;
    CAIRN_TRY_ASSIGN(const bool there, source_.files.exists(path));
    if (!there) return 0;
    CAIRN_TRY_ASSIGN(const auto file, source_.files.open(path, OpenMode::Read));
    CAIRN_TRY_ASSIGN(const uint64_t size, file->size());
    return size >= listed->bytes ? listed->bytes : 0;  // cut short: copied anew
  }

  Result<void> take(const Wanted& file) {
    const std::string path = log_directory() + "/" + file.name;
    const BackupFile* listed = known_ ? known_->find(file.name) : nullptr;
    if (listed != nullptr && listed->bytes > file.bytes) return lost_bytes(file, destination_);
    CAIRN_TRY_ASSIGN(const uint64_t have, present(listed, path));
    BackupFile taken{file.name, file.bytes, 0};
    if (listed != nullptr && have == file.bytes) {
      taken.checksum = listed->checksum;
      done_ += file.bytes;
    } else {
      CAIRN_TRY_ASSIGN(const CopiedFile copied,
                       copy_file(source_.files, {file.path, path, have, file.bytes},
                                 [this](uint64_t bytes) { tell(bytes); }));
      if (have > 0 && copied.checksum_of_present != listed->checksum) {
        return lost_bytes(file, destination_);
      }
      taken.checksum = copied.checksum;
      ++report_.copied_files;
      report_.copied_bytes += file.bytes - have;
    }
    manifest_.files.push_back(std::move(taken));
    return {};
  }

  void tell(uint64_t bytes) {
    done_ += bytes;
    if (progress_) progress_(done_, total_);
  }

  // Files of records that retention removed, and what an interrupted backup left.
  Result<void> remove_others() {
    CAIRN_TRY_ASSIGN(const auto names, source_.files.list(log_directory()));
    for (const std::string& name : names) {
      if (manifest_.find(name) != nullptr) continue;
      CAIRN_TRY(source_.files.remove_file(log_directory() + "/" + name));
      ++report_.removed_files;
    }
    if (report_.removed_files == 0) return {};
    return source_.files.sync_directory(log_directory());
  }

  const Source& source_;
  const std::string destination_;
  const Progress& progress_;
  std::unique_ptr<FileLock> lock_;
  std::optional<BackupManifest> known_;
  BackupManifest manifest_;
  BackupReport report_;
  uint64_t done_ = 0;
  uint64_t total_ = 0;
};

}  // namespace

Result<BackupReport> Store::backup(const std::string& directory, const std::string& destination,
                                   const StoreOptions& options, const Progress& progress) {
  const Impl impl(directory, options);
  CAIRN_TRY_ASSIGN(const Uuid store_id, read_identity(*impl.files, impl.layout));
  const Source source{*impl.files, impl.layout.log(), store_id};
  for (int attempt = 1;; ++attempt) {
    auto made = Backup(source, destination, progress).run(impl.clock->now());
    const bool vanished = !made.ok() && made.error().code == ErrorCode::NotFound;
    if (!vanished || attempt == kAttempts) return made;
  }
}

Result<BackupReport> Store::backup(const std::string& destination, const Progress& progress) const {
  {
    const auto reading = impl_->lock_for_reading();
    CAIRN_TRY(impl_->check_readable());
  }
  return backup(impl_->layout.root, destination, impl_->options, progress);
}

}  // namespace cairn::engine
