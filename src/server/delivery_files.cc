#include "server/delivery_files.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "model/field_reader.h"
#include "model/json_scalar.h"
#include "model/json_tree.h"

namespace cairn::server {
namespace {

using alert::DeliveryCursor;
using alert::NotificationPlace;
using model::JsonKind;
using model::JsonValue;

constexpr int kKeepDepth = 3;
constexpr int kMaxDepth = 64;
constexpr uint64_t kMaxCursorBytes = 16u << 20;
constexpr size_t kPieceBytes = 256u << 10;
constexpr size_t kMaxLineBytes = 4u << 20;

Result<std::string> read_piece(const File& file, uint64_t offset, size_t bytes) {
  std::string text(bytes, '\0');
  CAIRN_TRY_ASSIGN(const size_t got, file.read_at(offset, std::as_writable_bytes(std::span(text))));
  text.resize(got);
  return text;
}

// Whether a file of lines ends in the middle of one.
Result<bool> is_cut(const File& file, uint64_t size) {
  std::byte last{'\n'};
  if (size == 0) return false;
  CAIRN_TRY_ASSIGN([[maybe_unused]] const size_t got, file.read_at(size - 1, std::span(&last, 1)));
  return last != std::byte{'\n'};
}

void write_place(JsonWriter& out, const NotificationPlace& place) {
  out.begin_array().unsigned_integer(raw(place.lsn)).unsigned_integer(place.ordinal).end_array();
}

// [LSN, ORDINAL]
bool read_place(model::FieldReader& fields, std::string_view name, JsonValue value,
                NotificationPlace& out) {
  if (!fields.kind(name, value, JsonKind::Array, "an array")) return false;
  int64_t lsn = 0;
  int64_t ordinal = 0;
  const JsonValue first = value.first();
  if (!first || !first.next() || first.next().next()) {
    return fields.fail(name, "expected two numbers", value);
  }
  if (!fields.integer(name, first, 0, INT64_MAX, lsn)) return false;
  if (!fields.integer(name, first.next(), 0, UINT32_MAX, ordinal)) return false;
  out = {Lsn{static_cast<uint64_t>(lsn)}, static_cast<uint32_t>(ordinal)};
  return true;
}

bool read_cursor_members(model::FieldReader& fields, JsonValue root, const Uuid& store,
                         DeliveryCursor& out) {
  int64_t version = 0;
  std::string id;
  if (!fields.integer("version", find_member(root, "version"), 1, 1, version)) return false;
  if (!fields.string("store", find_member(root, "store"), id)) return false;
  if (id != store.dashed()) return fields.fail("store", "it belongs to another store");
  if (!read_place(fields, "read_to", find_member(root, "read_to"), out.read_to)) return false;
  const JsonValue open = find_member(root, "open");
  if (!fields.kind("open", open, JsonKind::Array, "an array")) return false;
  for (JsonValue one = open.first(); one; one = one.next()) {
    NotificationPlace place;
    if (!read_place(fields, "open", one, place)) return false;
    const bool in_order = out.open.empty() || out.open.back() < place;
    if (!in_order || place > out.read_to) return fields.fail("open", "not in order", one);
    out.open.push_back(place);
  }
  return true;
}

std::string dead_line(const DeadLetter& dead) {
  JsonWriter out;
  out.begin_object().key("id").string(dead.letter.id).key("series").string(dead.letter.series);
  out.key("at").string(format_time(dead.letter.at));
  out.key("given_up").string(format_time(dead.given_up));
  out.key("attempts").unsigned_integer(dead.attempts).key("why").string(dead.why);
  out.key("message").raw(dead.letter.body).end_object();
  return out.take() + "\n";
}

std::optional<alert::Letter> letter_of(model::JsonTree& tree, std::string_view line) {
  if (!tree.parse(line, 1, kMaxDepth)) return std::nullopt;
  model::FieldReader fields;
  alert::Letter letter;
  std::string at;
  const JsonValue root = tree.root();
  const JsonValue message = find_member(root, "message");
  const bool fine = fields.string("id", find_member(root, "id"), letter.id) &&
                    fields.string("series", find_member(root, "series"), letter.series) &&
                    fields.string("at", find_member(root, "at"), at) &&
                    fields.kind("message", message, JsonKind::Object, "an object");
  const auto time = fine ? parse_time(at) : std::nullopt;
  // It becomes a header.
  if (!time || letter.id.find_first_not_of("0123456789abcdefi-") != std::string::npos) {
    return std::nullopt;
  }
  letter.at = *time;
  letter.body = message.raw();
  return letter;
}

// Replaces the file at once and durably.
Result<void> replace_file(FileSystem& files, const std::string& directory, const std::string& path,
                          std::string_view text) {
  const std::string fresh = path + ".new";
  CAIRN_TRY_ASSIGN(const bool left_over, files.exists(fresh));
  if (left_over) CAIRN_TRY(files.remove_file(fresh));
  CAIRN_TRY_ASSIGN(auto file, files.open(fresh, OpenMode::Create));
  CAIRN_TRY(file->write_at(0, std::as_bytes(std::span(text))));
  CAIRN_TRY(file->sync());
  CAIRN_TRY(files.rename(fresh, path));
  return files.sync_directory(directory);
}

}  // namespace

DeliveryFiles::DeliveryFiles(FileSystem& files, const std::string& store_directory,
                             std::string name, const Uuid& store)
    : files_(files),
      directory_(store_directory + "/deliveries"),
      cursor_path_(fmt::format("{}/{}.json", directory_, name)),
      dead_path_(fmt::format("{}/{}.dead.jsonl", directory_, name)),
      dead_before_path_(fmt::format("{}/{}.dead.1.jsonl", directory_, name)),
      again_path_(fmt::format("{}/{}.again.jsonl", directory_, name)),
      store_(store) {}

Result<DeliveryCursor> DeliveryFiles::read_cursor() const {
  const auto file = files_.open(cursor_path_, OpenMode::Read);
  if (!file) {
    if (file.error().code == ErrorCode::NotFound) return DeliveryCursor{};
    return file.error();
  }
  CAIRN_TRY_ASSIGN(const uint64_t size, (*file)->size());
  CAIRN_TRY_ASSIGN(const std::string text,
                   read_piece(**file, 0, std::min<uint64_t>(size, kMaxCursorBytes)));
  model::JsonTree tree;
  model::FieldReader fields;
  DeliveryCursor cursor;
  const auto parsed = tree.parse(text, kKeepDepth, kMaxDepth);
  if (parsed && read_cursor_members(fields, tree.root(), store_, cursor)) return cursor;
  return make_error(
      ErrorCode::Corruption,
      fmt::format("{}: {}; remove it to send again all that is not too old", cursor_path_,
                  parsed ? fields.take_error().message : parsed.error().message));
}

Result<void> DeliveryFiles::write_cursor(const DeliveryCursor& cursor) {
  JsonWriter out;
  out.begin_object().key("version").unsigned_integer(1).key("store").string(store_.dashed());
  out.key("read_to");
  write_place(out, cursor.read_to);
  out.key("open").begin_array();
  for (const NotificationPlace& place : cursor.open) write_place(out, place);
  out.end_array().end_object();
  CAIRN_TRY(files_.make_directory(directory_));
  return replace_file(files_, directory_, cursor_path_, out.take() + "\n");
}

Result<bool> DeliveryFiles::bury(const DeadLetter& dead) {
  const std::string line = dead_line(dead);
  CAIRN_TRY(files_.make_directory(directory_));
  bool removed = false;
  CAIRN_TRY_ASSIGN(bool there, files_.exists(dead_path_));
  if (there) {
    CAIRN_TRY_ASSIGN(auto old, files_.open(dead_path_, OpenMode::Read));
    CAIRN_TRY_ASSIGN(const uint64_t size, old->size());
    if (size > 0 && size + line.size() > kMaxDeadBytes) {
      CAIRN_TRY_ASSIGN(removed, files_.exists(dead_before_path_));
      CAIRN_TRY(files_.rename(dead_path_, dead_before_path_));
      there = false;
    }
  }
  CAIRN_TRY_ASSIGN(auto file,
                   files_.open(dead_path_, there ? OpenMode::ReadWrite : OpenMode::Create));
  CAIRN_TRY_ASSIGN(uint64_t size, file->size());
  // What a crash or a full disk cut off must not take the next line with it.
  CAIRN_TRY_ASSIGN(const bool cut, is_cut(*file, size));
  if (cut) {
    CAIRN_TRY(file->write_at(size, std::as_bytes(std::span(std::string_view("\n")))));
    ++size;
  }
  CAIRN_TRY(file->write_at(size, std::as_bytes(std::span(line))));
  CAIRN_TRY(file->sync());
  if (!there) CAIRN_TRY(files_.sync_directory(directory_));
  return removed;
}

Result<std::optional<DeliveryFiles::Again>> DeliveryFiles::read_again(uint64_t offset,
                                                                      uint64_t line,
                                                                      size_t limit) const {
  const auto file = files_.open(again_path_, OpenMode::Read);
  if (!file) {
    if (file.error().code == ErrorCode::NotFound) return std::optional<Again>();
    return file.error();
  }
  Again out;
  out.next_offset = offset;
  out.next_line = line;
  model::JsonTree tree;
  while (out.letters.size() < limit) {
    size_t bytes = kPieceBytes;
    CAIRN_TRY_ASSIGN(std::string text, read_piece(**file, out.next_offset, bytes));
    while (text.find('\n') == std::string::npos && text.size() == bytes && bytes < kMaxLineBytes) {
      bytes = kMaxLineBytes;
      CAIRN_TRY_ASSIGN(text, read_piece(**file, out.next_offset, bytes));
    }
    if (text.empty()) {
      out.end = true;
      break;
    }
    // A line too long is passed over piece by piece, and the last one may have no end.
    size_t at = 0;
    while (at < text.size() && out.letters.size() < limit) {
      const size_t end = text.find('\n', at);
      if (end == std::string::npos && at > 0 && text.size() == bytes) break;
      const std::string_view one = std::string_view(text).substr(at, end - at);
      at = end == std::string::npos ? text.size() : end + 1;
      if (one.empty()) continue;
      auto letter = letter_of(tree, one);
      if (!letter) {
        ++out.bad_lines;
        continue;
      }
      letter->place = {Lsn{++out.next_line}, 0};
      out.letters.push_back(std::move(*letter));
    }
    out.next_offset += at;
  }
  return std::optional<Again>(std::move(out));
}

Result<void> DeliveryFiles::remove_again() {
  CAIRN_TRY(files_.remove_file(again_path_));
  return files_.sync_directory(directory_);
}

}  // namespace cairn::server
