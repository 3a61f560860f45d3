#include "engine/cursor_key.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>

namespace cairn::engine {
namespace {

constexpr std::string_view kTitle = "cairn cursor key 1\n";
constexpr size_t kFileBytes = kTitle.size() + 2 * MacKey::kBytes + 1;

std::string text_of(const MacKey& key) {
  std::string text(kTitle);
  for (const uint8_t byte : key.bytes) text += fmt::format("{:02x}", byte);
  return text + "\n";
}

std::optional<MacKey> parse(std::string_view text) {
  if (text.size() != kFileBytes || !text.starts_with(kTitle)) return std::nullopt;
  MacKey key;
  const char* digits = text.data() + kTitle.size();
  for (size_t i = 0; i < key.bytes.size(); ++i, digits += 2) {
    const auto [end, error] = std::from_chars(digits, digits + 2, key.bytes[i], 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
  }
  if (text_of(key) != text) return std::nullopt;
  return key;
}

}  // namespace

Result<std::optional<MacKey>> read_cursor_key(FileSystem& files, const StoreLayout& layout) {
  const auto file = files.open(layout.cursor_key(), OpenMode::Read);
  if (!file.ok()) {
    if (file.error().code == ErrorCode::NotFound) return std::optional<MacKey>();
    return file.error();
  }
  std::string text(kFileBytes + 1, '\0');
  CAIRN_TRY_ASSIGN(const size_t size, (*file)->read_at(0, std::as_writable_bytes(std::span(text))));
  return parse(std::string_view(text).substr(0, size));
}

Result<MacKey> make_cursor_key(FileSystem& files, const StoreLayout& layout) {
  CAIRN_TRY_ASSIGN(const MacKey key, random_mac_key());
  const std::string text = text_of(key);
  const std::string fresh = layout.cursor_key() + ".new";
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(fresh));
  if (left_over) CAIRN_TRY(files.remove_file(fresh));
  CAIRN_TRY_ASSIGN(auto file, files.open(fresh, OpenMode::CreatePrivate));
  CAIRN_TRY(file->write_at(0, std::as_bytes(std::span(text))));
  CAIRN_TRY(file->sync());
  CAIRN_TRY(files.rename(fresh, layout.cursor_key()));
  CAIRN_TRY(files.sync_directory(layout.root));
  return key;
}

CursorKey find_cursor_key(FileSystem& files, const StoreLayout& layout) {
  const auto found = read_cursor_key(files, layout);
  if (!found.ok()) return {std::nullopt, found.error().message};
  return {*found, ""};
}

CursorKey find_or_make_cursor_key(FileSystem& files, const StoreLayout& layout) {
  CursorKey found = find_cursor_key(files, layout);
  if (found.key || !found.failure.empty()) return found;
  const auto made = make_cursor_key(files, layout);
  if (!made.ok()) return {std::nullopt, made.error().message};
  return {*made, ""};
}

}  // namespace cairn::engine
