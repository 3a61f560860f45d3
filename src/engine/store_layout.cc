#include "engine/store_layout.h"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <random>
#include <system_error>

#include "engine/backup.h"

namespace cairn::engine {
namespace {

constexpr std::string_view kTitle = "cairn store\n";
constexpr size_t kMaxIdentityBytes = 4096;

Uuid random_uuid() {
  std::random_device device;
  Uuid id;
  for (size_t i = 0; i < id.bytes.size(); i += 4) {
    const uint32_t word = device();
    for (size_t b = 0; b < 4; ++b) id.bytes[i + b] = static_cast<uint8_t>(word >> (8 * b));
  }
  id.bytes[6] = static_cast<uint8_t>((id.bytes[6] & 0x0f) | 0x40);  // RFC 4122 version 4
  id.bytes[8] = static_cast<uint8_t>((id.bytes[8] & 0x3f) | 0x80);
  return id;
}

// "NAME value\n" within the identity text; empty when it is not there.
std::string_view line_value(std::string_view text, std::string_view name) {
  const size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  const size_t begin = at + name.size();
  const size_t end = text.find('\n', begin);
  if (end == std::string_view::npos) return {};
  return text.substr(begin, end - begin);
}

Result<void> move_directory(const std::string& from, const std::string& to) {
  std::error_code error;
  std::filesystem::rename(from, to, error);
  if (error) {
    return make_error(ErrorCode::Io,
                      fmt::format("cannot rename {} to {}: {}", from, to, error.message()));
  }
  return {};
}

}  // namespace

Result<Uuid> read_identity(FileSystem& files, const StoreLayout& layout) {
  CAIRN_TRY_ASSIGN(const bool there, files.exists(layout.identity()));
  if (!there) {
    CAIRN_TRY_ASSIGN(const bool backup, is_backup(files, layout.root));
    if (backup) {
      return make_error(ErrorCode::Conflict,
                        fmt::format("{} is a backup, not a store; make a store of it with 'cairn "
                                    "restore {} STORE'",
                                    layout.root, layout.root));
    }
    CAIRN_TRY_ASSIGN(const bool logged, files.exists(layout.log()));
    if (logged) {
      return make_error(ErrorCode::Corruption,
                        fmt::format("{} has a log but its file cairn.store is gone: restore that "
                                    "file from a backup",
                                    layout.root));
    }
    return make_error(ErrorCode::NotFound,
                      fmt::format("{} is not a cairn store (it has no file cairn.store); make one "
                                  "with 'cairn init {}'",
                                  layout.root, layout.root));
  }
  CAIRN_TRY_ASSIGN(auto file, files.open(layout.identity(), OpenMode::Read));
  std::string text(kMaxIdentityBytes, '\0');
  CAIRN_TRY_ASSIGN(const size_t size, file->read_at(0, std::as_writable_bytes(std::span(text))));
  text.resize(size);
  const std::string_view version = line_value(text, "\nformat ");
  int format = 0;
  std::from_chars(version.data(), version.data() + version.size(), format);
  const auto id = parse_uuid(line_value(text, "\nid "));
  if (!text.starts_with(kTitle) || format < 1 || !id) {
    return make_error(
        ErrorCode::Corruption,
        fmt::format("{} is damaged: it should hold three lines, 'cairn store', 'format N' and "
                    "'id UUID'; restore it from a backup",
                    layout.identity()));
  }
  if (format > kStoreFormat) {
    return make_error(ErrorCode::Unsupported,
                      fmt::format("{} has store format {}, this build reads up to {}: use a newer "
                                  "cairn",
                                  layout.root, format, kStoreFormat));
  }
  return *id;
}

Result<Uuid> create_identity(FileSystem& files, const StoreLayout& layout) {
  CAIRN_TRY_ASSIGN(const auto names, files.list(layout.root));
  for (const auto& name : names) {
    // Left over from a creation that was cut short.
    if (name == "lock" || name == "cairn.store.new") continue;
    return make_error(ErrorCode::Conflict,
                      fmt::format("{} holds other things ('{}') and no cairn store: name an empty "
                                  "or new directory",
                                  layout.root, name));
  }
  const Uuid id = random_uuid();
  CAIRN_TRY(write_identity(files, layout, id));
  return id;
}

Result<void> write_identity(FileSystem& files, const StoreLayout& layout, const Uuid& id) {
  const std::string text = fmt::format("{}format {}\nid {}\n", kTitle, kStoreFormat, id.dashed());
  const std::string fresh = layout.identity() + ".new";
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(fresh));
  if (left_over) CAIRN_TRY(files.remove_file(fresh));
  CAIRN_TRY_ASSIGN(auto file, files.open(fresh, OpenMode::Create));
  CAIRN_TRY(file->write_at(0, std::as_bytes(std::span(text))));
  CAIRN_TRY(file->sync());
  CAIRN_TRY(files.rename(fresh, layout.identity()));
  return files.sync_directory(layout.root);
}

Result<void> swap_index(FileSystem& files, const StoreLayout& layout) {
  CAIRN_TRY(remove_directory(layout.old_index()));
  CAIRN_TRY_ASSIGN(const bool there, files.exists(layout.index()));
  if (there) CAIRN_TRY(move_directory(layout.index(), layout.old_index()));
  CAIRN_TRY(move_directory(layout.new_index(), layout.index()));
  CAIRN_TRY(files.sync_directory(layout.root));
  return remove_directory(layout.old_index());
}

Result<void> remove_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) {
    return make_error(ErrorCode::Io, fmt::format("cannot remove {}: {}", path, error.message()));
  }
  return {};
}

}  // namespace cairn::engine
