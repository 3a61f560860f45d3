// Making a store of a backup, and checking one.
#include <fmt/format.h>

#include "engine/backup.h"
#include "engine/backup_copy.h"
#include "engine/store_impl.h"
#include "log/log_reader.h"

namespace cairn::engine {
namespace {

Error damaged_file(const std::string& path, const std::string& what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}: {}. The backup cannot be restored without it: use another "
                                "backup, or make one anew if the store is still there",
                                path, what));
}

Error wrong_checksum(const std::string& path) {
  return damaged_file(path, "its bytes are not those that were backed up (the checksum differs)");
}

// Tells about the bytes of all files together.
class Counter {
 public:
  Counter(uint64_t total, const Progress& progress) : total_(total), progress_(progress) {}
  void operator()(uint64_t bytes) {
    done_ += bytes;
    if (progress_) progress_(done_, total_);
  }

 private:
  uint64_t done_ = 0;
  const uint64_t total_;
  const Progress& progress_;
};

Error named(Error error, const std::string& path) {
  if (error.code == ErrorCode::NotFound) return damaged_file(path, "the file is missing");
  if (error.code == ErrorCode::Corruption) return damaged_file(path, "it was cut short");
  return error;
}

class Restore {
 public:
  Restore(FileSystem& files, const StoreLayout& layout, std::string source,
          const BackupManifest& manifest)
      : files_(files), layout_(layout), source_(std::move(source)), manifest_(manifest) {}

  Result<void> run(const Progress& progress) {
    CAIRN_TRY(check_target());
    CAIRN_TRY(files_.make_directory(layout_.log()));
    auto made = fill(progress);
    if (!made.ok()) remove_made();
    return made;
  }

 private:
  // New, empty, or what an interrupted restore left: no files but the lock.
  Result<void> check_target() {
    CAIRN_TRY_ASSIGN(const bool there, files_.exists(layout_.root));
    if (!there) return {};
    CAIRN_TRY_ASSIGN(auto names, files_.list(layout_.root));
    std::erase(names, "lock");
    if (names == std::vector<std::string>{"log"}) {
      CAIRN_TRY_ASSIGN(names, files_.list(layout_.log()));
    }
    if (names.empty()) return {};
    return make_error(ErrorCode::Conflict,
                      fmt::format("{} is not empty (it has '{}'): restore into a new or empty "
                                  "directory",
                                  layout_.root, names.front()));
  }

  Result<void> fill(const Progress& progress) {
    Counter tell(manifest_.bytes(), progress);
    for (const BackupFile& file : manifest_.files) {
      const std::string from = source_ + "/log/" + file.name;
      const auto copied = copy_file(files_, {from, layout_.log() + "/" + file.name, 0, file.bytes},
                                    [&tell](uint64_t bytes) { tell(bytes); });
      if (!copied.ok()) return named(copied.error(), from);
      if (copied->checksum != file.checksum) return wrong_checksum(from);
    }
    CAIRN_TRY(files_.sync_directory(layout_.log()));
    CAIRN_TRY_ASSIGN(const log::LogCheck check,
                     log::check_log(files_, layout_.log(), manifest_.store_id));
    if (!check.problems.empty()) {
      return make_error(ErrorCode::Corruption, check.problems.front());
    }
    return write_identity(files_, layout_, manifest_.store_id);
  }

  // So that another attempt finds an empty directory. What cannot be removed stays in the way.
  void remove_made() {
    for (const BackupFile& file : manifest_.files) {
      [[maybe_unused]] const auto removed = files_.remove_file(layout_.log() + "/" + file.name);
    }
  }

  FileSystem& files_;
  const StoreLayout& layout_;
  const std::string source_;
  const BackupManifest& manifest_;
};

}  // namespace

Result<RestoreReport> Store::restore(const std::string& source, const std::string& directory,
                                     const StoreOptions& options, const Progress& progress) {
  RestoreReport report;
  {
    const Impl impl(directory, options);
    CAIRN_TRY_ASSIGN(const auto manifest, read_manifest(*impl.files, source));
    if (!manifest) {
      return make_error(ErrorCode::NotFound,
                        fmt::format("{} holds no backup (it has no file cairn.backup)", source));
    }
    CAIRN_TRY(Restore(*impl.files, impl.layout, source, *manifest).run(progress));
    report.store_id = manifest->store_id;
    report.lsn = manifest->lsn;
    report.made = manifest->time;
    report.files = manifest->files.size();
    report.bytes = manifest->bytes();
  }
  CAIRN_TRY_ASSIGN(const RebuildReport rebuilt, rebuild(directory, options, progress));
  report.records = rebuilt.records;
  report.digests = rebuilt.digests;
  return report;
}

// Every byte that belongs to the backup. Its frames were checked when they were copied.
Result<VerifyReport> verify_backup(FileSystem& files, const std::string& directory,
                                   const Progress& progress) {
  VerifyReport report;
  CAIRN_TRY_ASSIGN(const auto manifest, read_manifest(files, directory));
  CAIRN_ASSERT(manifest);
  report.backup = BackupSummary{manifest->store_id, manifest->lsn, manifest->time};
  report.log_files = manifest->files.size();
  report.log_bytes = manifest->bytes();
  Counter tell(report.log_bytes, progress);
  for (const BackupFile& file : manifest->files) {
    const std::string path = directory + "/log/" + file.name;
    const auto checksum =
        checksum_file(files, path, file.bytes, [&tell](uint64_t bytes) { tell(bytes); });
    if (checksum.ok() && *checksum == file.checksum) continue;
    const Error problem = checksum.ok() ? wrong_checksum(path) : named(checksum.error(), path);
    if (problem.code != ErrorCode::Corruption) return problem;
    report.problems.push_back(problem.message);
  }
  return report;
}

}  // namespace cairn::engine
