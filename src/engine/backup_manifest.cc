// The manifest, text (docs/format.md, section "Backup"):
//   cairn backup
//   format 1
//   id UUID
//   lsn N
//   time RFC3339
//   file NAME BYTES CHECKSUM      (one line for each, the checksum in 16 hex digits)
//   check CHECKSUM                (XXH3 of everything before this line)
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/time_format.h"
#include "engine/backup.h"

namespace cairn::engine {
namespace {

constexpr std::string_view kTitle = "cairn backup\n";
constexpr std::string_view kCheck = "check ";
// A line has about 80 bytes; a store of this many log files does not exist.
constexpr uint64_t kMaxManifestBytes = 64u << 20;

std::string path_of(const std::string& directory) { return directory + "/cairn.backup"; }

// Takes "NAME value\n" off the front; empty when it is not there.
std::string_view take_line(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return {};
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return {};
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return value;
}

std::optional<uint64_t> number(std::string_view text, int base = 10) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<BackupFile> parse_file(std::string_view line) {
  const size_t second = line.rfind(' ');
  if (second == std::string_view::npos || second == 0) return std::nullopt;
  const size_t first = line.rfind(' ', second - 1);
  if (first == std::string_view::npos || first == 0) return std::nullopt;
  const auto bytes = number(line.substr(first + 1, second - first - 1));
  const auto checksum = number(line.substr(second + 1), 16);
  const std::string_view name = line.substr(0, first);
  // A name leads nowhere but into the backup.
  if (!bytes || !checksum || name.find('/') != std::string_view::npos) return std::nullopt;
  return BackupFile{std::string(name), *bytes, *checksum};
}

std::string body_of(const BackupManifest& manifest) {
  std::string text =
      fmt::format("{}format {}\nid {}\nlsn {}\ntime {}\n", kTitle, kBackupFormat,
                  manifest.store_id.dashed(), raw(manifest.lsn), format_time(manifest.time));
  for (const BackupFile& file : manifest.files) {
    text += fmt::format("file {} {} {:016x}\n", file.name, file.bytes, file.checksum);
  }
  return text;
}

// nullopt: not what write_manifest() wrote, in this format.
std::optional<BackupManifest> parse_body(std::string_view text) {
  BackupManifest manifest;
  const auto id = parse_uuid(take_line(text, "id "));
  const auto lsn = number(take_line(text, "lsn "));
  const auto time = parse_time(take_line(text, "time "));
  if (!id || !lsn || !time) return std::nullopt;
  manifest.store_id = *id;
  manifest.lsn = Lsn{*lsn};
  manifest.time = *time;
  while (!text.empty()) {
    auto file = parse_file(take_line(text, "file "));
    if (!file) return std::nullopt;
    manifest.files.push_back(*std::move(file));
  }
  return manifest;
}

}  // namespace

const BackupFile* BackupManifest::find(std::string_view name) const {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
  return found == files.end() ? nullptr : &*found;
}

uint64_t BackupManifest::bytes() const {
  uint64_t total = 0;
  for (const BackupFile& file : files) total += file.bytes;
  return total;
}

Result<bool> is_backup(FileSystem& files, const std::string& directory) {
  return files.exists(path_of(directory));
}

Result<std::optional<BackupManifest>> read_manifest(FileSystem& files,
                                                    const std::string& directory) {
  const std::string path = path_of(directory);
  CAIRN_TRY_ASSIGN(const bool there, files.exists(path));
  if (!there) return std::optional<BackupManifest>();
  CAIRN_TRY_ASSIGN(const auto file, files.open(path, OpenMode::Read));
  CAIRN_TRY_ASSIGN(const uint64_t size, file->size());
  std::string text(std::min(size, kMaxManifestBytes), '\0');
  CAIRN_TRY_ASSIGN(const size_t read, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(read);

  const Error broken = make_error(
      ErrorCode::Corruption,
      fmt::format("{} is damaged: the backup cannot be relied on; make another one", path));
  std::string_view rest = text;
  if (!rest.starts_with(kTitle)) return broken;
  rest.remove_prefix(kTitle.size());
  const auto format = number(take_line(rest, "format "));
  if (!format || *format == 0) return broken;
  if (*format > kBackupFormat) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("{} has backup format {}, this build reads up to {}: use a newer "
                                  "cairn",
                                  path, *format, kBackupFormat));
  }
  const size_t check = text.rfind(kCheck);
  if (check == std::string::npos) return broken;
  std::string_view last = std::string_view(text).substr(check);
  const auto sum = number(take_line(last, kCheck), 16);
  const std::string_view whole = std::string_view(text).substr(0, check);
  if (!sum || !last.empty() || *sum != hash64(whole)) return broken;
  auto manifest = parse_body(whole.substr(text.size() - rest.size()));
  if (!manifest) return broken;
  return manifest;
}

Result<void> write_manifest(FileSystem& files, const std::string& directory,
                            const BackupManifest& manifest) {
  std::string text = body_of(manifest);
  text += fmt::format("{}{:016x}\n", kCheck, hash64(text));
  const std::string path = path_of(directory);
  const std::string fresh = path + ".new";
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(fresh));
  if (left_over) CAIRN_TRY(files.remove_file(fresh));
  CAIRN_TRY_ASSIGN(const auto file, files.open(fresh, OpenMode::Create));
  CAIRN_TRY(file->write_at(0, std::as_bytes(std::span(text))));
  CAIRN_TRY(file->sync());
  CAIRN_TRY(files.rename(fresh, path));
  return files.sync_directory(directory);
}

}  // namespace cairn::engine
