#include "log/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "log/base_file.h"
#include "log/log_frame.h"

namespace cairn::log {
namespace {

constexpr std::string_view kNewSuffix = ".new";  // of files under way
constexpr std::string_view kAdvice =
    "Restore this file from a backup or another copy of the store; nothing was changed.";

Error unknown_version(const LogFile& file, uint32_t version) {
  return make_error(ErrorCode::Unsupported,
                    fmt::format("{} has log format version {}; this build reads version {}. {}",
                                file.path, version, kLogFormatVersion,
                                version < kLogFormatVersion
                                    ? "Export it with the cairn that wrote it, then import it."
                                    : "Use a newer cairn."));
}

Error other_store(const LogFile& file, const Uuid& found, const Uuid& wanted) {
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("{} belongs to store {}, not to {}: it was put into the wrong "
                                "directory",
                                file.path, found.dashed(), wanted.dashed()));
}

// LSNs as people read them: "record 7" or "records 7 to 9".
std::string describe_lsns(Lsn first, Lsn last) {
  if (first == last) return fmt::format("record {}", raw(first));
  return fmt::format("records {} to {}", raw(first), raw(last));
}

}  // namespace

Error damaged(const std::string& path, uint64_t offset, const std::string& what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}, offset {}: {}. {}", path, offset, what, kAdvice));
}

Error missing_records(const LogFiles& log, size_t index, uint64_t offset, Lsn first_missing,
                      Lsn last_missing) {
  std::string what = fmt::format("{} cannot be read though they were acknowledged",
                                 describe_lsns(first_missing, last_missing));
  if (index + 1 < log.files.size()) {
    const LogFile& later = log.files[index + 1];
    if (last_missing >= Lsn{raw(later.first_lsn) - 1}) {
      what += fmt::format(" (the next file, {}, begins with record {})", later.path,
                          raw(later.first_lsn));
    }
  }
  return damaged(log.files[index].path, offset, what);
}

Error removed_records(Lsn lsn, Lsn base) {
  return make_error(ErrorCode::NotFound,
                    fmt::format("record {} was removed by retention; the log keeps records from {} "
                                "on",
                                raw(lsn), raw(next(base))));
}

size_t LogDirectory::first_live() const {
  size_t live = 0;
  while (live + 1 < files.size() && files[live + 1].first_lsn <= next(base())) ++live;
  return live;
}

Result<LogDirectory> list_log_directory(FileSystem& files, const std::string& directory) {
  CAIRN_TRY_ASSIGN(const auto names, files.list(directory));
  LogDirectory found;
  for (const std::string& name : names) {
    if (const auto lsn = parse_log_file_name(name)) {
      found.files.push_back({.path = directory + "/" + name, .first_lsn = *lsn});
    } else if (const auto base = parse_base_file_name(name)) {
      found.bases.push_back(*base);
    } else if (name.ends_with(kNewSuffix) &&
               parse_base_file_name(name.substr(0, name.size() - kNewSuffix.size()))) {
      found.unfinished.push_back(directory + "/" + name);
    }
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const LogFile& a, const LogFile& b) { return a.first_lsn < b.first_lsn; });
  std::sort(found.bases.begin(), found.bases.end());
  return found;
}

Result<void> check_header(FileSystem& files, LogFile& file, const Uuid& store_id) {
  CAIRN_TRY_ASSIGN(const auto handle, files.open(file.path, OpenMode::Read));
  CAIRN_TRY_ASSIGN(file.bytes, handle->size());
  std::array<std::byte, kFileHeaderBytes> bytes{};
  CAIRN_TRY_ASSIGN(const size_t read, handle->read_at(0, bytes));
  const auto header = decode_file_header(std::span(bytes).first(read));
  if (!header) return damaged(file.path, 0, "the file header is damaged");
  if (header->version != kLogFormatVersion) return unknown_version(file, header->version);
  if (header->store_id != store_id) return other_store(file, header->store_id, store_id);
  if (header->first_lsn != file.first_lsn) {
    return damaged(file.path, 0,
                   fmt::format("the file was renamed, its header says that it begins with record "
                               "{}",
                               raw(header->first_lsn)));
  }
  return {};
}

Lsn LogFiles::proven_after(size_t index) const {
  if (index + 1 < files.size()) return Lsn{raw(files[index + 1].first_lsn) - 1};
  return Lsn{0};
}

namespace {

// How often the list of files is read again because one of it vanished.
constexpr int kListAttempts = 5;

Result<LogFiles> check_listed(FileSystem& files, LogDirectory found, const Uuid& store_id,
                              const LogFiles* known) {
  LogFiles log;
  log.base = found.base();
  found.files.erase(found.files.begin(),
                    found.files.begin() + static_cast<ptrdiff_t>(found.first_live()));
  for (LogFile& file : found.files) {
    const LogFile* same = known == nullptr ? nullptr : known->find(file.first_lsn);
    if (same != nullptr) {
      log.files.push_back(*same);
      continue;
    }
    CAIRN_TRY(check_header(files, file, store_id));
    log.files.push_back(std::move(file));
  }
  return log;
}

}  // namespace

const LogFile* LogFiles::find(Lsn first_lsn) const {
  const auto found =
      std::lower_bound(files.begin(), files.end(), first_lsn,
                       [](const LogFile& file, Lsn wanted) { return file.first_lsn < wanted; });
  return found == files.end() || found->first_lsn != first_lsn ? nullptr : &*found;
}

Result<LogFiles> find_log_files(FileSystem& files, const std::string& directory,
                                const Uuid& store_id, const LogFiles* known) {
  for (int attempt = 1;; ++attempt) {
    CAIRN_TRY_ASSIGN(auto found, list_log_directory(files, directory));
    auto checked = check_listed(files, std::move(found), store_id, known);
    if (!checked.ok()) {
      // Retention removes files beside readers.
      const bool vanished = checked.error().code == ErrorCode::NotFound;
      if (vanished && attempt < kListAttempts) continue;
      return checked;
    }
    if (!checked->files.empty() && checked->files.front().first_lsn > next(checked->base)) {
      return damaged(directory + "/" + log_file_name(next(checked->base)), 0,
                     fmt::format("the log's first file is missing, {} is the oldest there is",
                                 checked->files.front().path));
    }
    return checked;
  }
}

Result<uint64_t> remove_superseded(FileSystem& files, const std::string& directory) {
  CAIRN_TRY_ASSIGN(const LogDirectory found, list_log_directory(files, directory));
  const size_t live = found.first_live();
  uint64_t bytes = 0;
  for (size_t i = 0; i < live; ++i) {
    {
      CAIRN_TRY_ASSIGN(const auto file, files.open(found.files[i].path, OpenMode::Read));
      CAIRN_TRY_ASSIGN(const uint64_t size, file->size());
      bytes += size;
    }
    CAIRN_TRY(files.remove_file(found.files[i].path));
  }
  for (const Lsn base : found.bases) {
    if (base == found.base()) continue;
    CAIRN_TRY(files.remove_file(directory + "/" + base_file_name(base)));
  }
  for (const std::string& path : found.unfinished) CAIRN_TRY(files.remove_file(path));
  if (live > 0 || found.bases.size() > 1) CAIRN_TRY(files.sync_directory(directory));
  return bytes;
}

Result<std::unique_ptr<File>> create_log_file(FileSystem& files, const std::string& directory,
                                              const Uuid& store_id, Lsn first_lsn) {
  const std::string path = directory + "/" + log_file_name(first_lsn);
  const std::string unnamed = path + std::string(kNewSuffix);
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(unnamed));
  if (left_over) CAIRN_TRY(files.remove_file(unnamed));
  CAIRN_TRY_ASSIGN(auto file, files.open(unnamed, OpenMode::Create));
  const auto header = encode_file_header({kLogFormatVersion, store_id, first_lsn});
  CAIRN_TRY(file->write_at(0, header));
  CAIRN_TRY(file->sync());
  CAIRN_TRY(files.rename(unnamed, path));
  CAIRN_TRY(files.sync_directory(directory));
  return file;
}

}  // namespace cairn::log
