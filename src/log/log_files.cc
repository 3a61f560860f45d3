#include "log/log_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "log/log_frame.h"

namespace cairn::log {
namespace {

constexpr std::string_view kAdvice =
    "Restore this file from a backup or another copy of the store; nothing was changed.";

Error unknown_version(const LogFile& file, uint32_t version) {
  return make_error(ErrorCode::Unsupported,
                    fmt::format("{} has log format version {}; this build reads version {}. Use a "
                                "newer cairn.",
                                file.path, version, kLogFormatVersion));
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

Result<std::vector<LogFile>> list_log_files(FileSystem& files, const std::string& directory) {
  CAIRN_TRY_ASSIGN(const auto names, files.list(directory));
  std::vector<LogFile> found;
  for (const std::string& name : names) {
    if (const auto lsn = parse_log_file_name(name)) {
      found.push_back({.path = directory + "/" + name, .first_lsn = *lsn});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const LogFile& a, const LogFile& b) { return a.first_lsn < b.first_lsn; });
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

Result<LogFiles> find_log_files(FileSystem& files, const std::string& directory,
                                const Uuid& store_id, const LogFiles* known) {
  CAIRN_TRY_ASSIGN(auto found, list_log_files(files, directory));
  LogFiles log;
  for (LogFile& file : found) {
    const size_t index = log.files.size();
    if (known != nullptr && index < known->files.size() && known->files[index].path == file.path) {
      log.files.push_back(known->files[index]);
      continue;
    }
    CAIRN_TRY(check_header(files, file, store_id));
    log.files.push_back(std::move(file));
  }
  if (!log.files.empty() && log.files.front().first_lsn != Lsn{1}) {
    return damaged(directory + "/" + log_file_name(Lsn{1}), 0,
                   fmt::format("the log's first file is missing, {} is the oldest there is",
                               log.files.front().path));
  }
  return log;
}

Result<std::unique_ptr<File>> create_log_file(FileSystem& files, const std::string& directory,
                                              const Uuid& store_id, Lsn first_lsn) {
  const std::string path = directory + "/" + log_file_name(first_lsn);
  const std::string unnamed = path + ".new";
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
