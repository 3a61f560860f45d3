// Bytes, little-endian: version u8 | flags u8 (1 = backward) | LSN u64 | base u64 | now i64 | made
// i64 | key i64 | id u64 | begin u64 | size u32 | tag of the scope u64 | MAC of all before, 16
// bytes; then base64url without padding.
#include "query/cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64url.h"
#include "base/time_format.h"
#include "query/score.h"

namespace cairn::query {
namespace {

constexpr uint8_t kVersion = 3;
constexpr size_t kTagBytes = 8;
constexpr size_t kMacBytes = 16;
constexpr size_t kScopeAt = 1 + 1 + 7 * 8 + 4;
constexpr size_t kSigned = kScopeAt + kTagBytes;
constexpr size_t kBytes = kSigned + kMacBytes;

template <class Integer>
void put(std::string& out, Integer value) {
  for (size_t i = 0; i < sizeof(Integer); ++i) {
    out.push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff));
  }
}

// Reads what put() wrote, in order.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class Integer>
  Integer take() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(Integer); ++i) {
      value |= uint64_t{static_cast<uint8_t>(bytes_[at_++])} << (8 * i);
    }
    return static_cast<Integer>(value);
  }

 private:
  std::string_view bytes_;
  size_t at_ = 0;
};

std::string first_bytes(const Mac& mac, size_t count) {
  return {reinterpret_cast<const char*>(mac.data()), count};
}

// Texts with their lengths, so that no two scopes read alike.
std::string tag_of(const CursorScope& scope, const CursorSeal& seal) {
  std::string text = "scope" + scope.store.hex();
  const auto add = [&](std::string_view part) {
    put(text, uint64_t{part.size()});
    text += part;
  };
  put(text, static_cast<uint8_t>(scope.sort));
  add(scope.list);
  add(scope.experiment);
  if (scope.viewer != nullptr) {
    add(scope.viewer->user);
    for (const std::string& team : scope.viewer->teams) add(team);
  }
  return first_bytes(mac_of(seal.key, text), kTagBytes);
}

std::string mac_of_cursor(std::string_view bytes, const CursorSeal& seal) {
  return first_bytes(mac_of(seal.key, std::string("cursor").append(bytes)), kMacBytes);
}

// The bytes without their MAC.
Result<std::string> authentic(std::string_view text, const CursorSeal& seal) {
  constexpr size_t kLongest = 2 * kBytes;
  auto bytes = text.size() > kLongest ? std::nullopt : from_base64url(text);
  const bool sound = bytes && bytes->size() == kBytes &&
                     equal_macs(std::string_view(*bytes).substr(kSigned),
                                mac_of_cursor(std::string_view(*bytes).substr(0, kSigned), seal)) &&
                     static_cast<uint8_t>(bytes->front()) == kVersion;
  if (!sound) {
    return make_error(ErrorCode::InvalidArgument,
                      "The cursor is none of this store's, or was changed; start again without "
                      "one.");
  }
  bytes->resize(kSigned);
  return *std::move(bytes);
}

Cursor read_cursor(std::string_view bytes) {
  Reader reader(bytes);
  reader.take<uint8_t>();
  Cursor cursor;
  cursor.backward = reader.take<uint8_t>() != 0;
  cursor.pin.lsn = Lsn{reader.take<uint64_t>()};
  cursor.pin.base = Lsn{reader.take<uint64_t>()};
  cursor.pin.now = TimeUs{reader.take<int64_t>()};
  cursor.pin.made = TimeUs{reader.take<int64_t>()};
  cursor.key = reader.take<int64_t>();
  cursor.id = reader.take<uint64_t>();
  cursor.begin = reader.take<uint64_t>();
  cursor.size = reader.take<uint32_t>();
  return cursor;
}

Result<void> check_is_there(const CursorPin& pin, const CursorSeal& seal) {
  if (age_us(seal.clock, pin.made) > uint64_t{kCursorLifeUs}) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("The cursor was good until {}, 24 hours after its first page; "
                                  "start again without one.",
                                  format_time(TimeUs{raw(pin.made) + kCursorLifeUs})));
  }
  if (seal.base < pin.base) {
    return make_error(ErrorCode::Conflict,
                      "The cursor belongs to a list that was begun after a retention this process "
                      "does not know of; open the store again, as of now.");
  }
  if (seal.base != pin.base) {
    return make_error(ErrorCode::NotFound,
                      "Retention has removed occurrences since the first page of this list; start "
                      "again without a cursor.");
  }
  return {};
}

}  // namespace

CursorScope cursor_scope(const View& view, std::string_view list, Sort sort, const Viewer* viewer) {
  return {view.state->store_id(), list, sort, view.experiment(), viewer};
}

CursorPin pin_here(const View& view, TimeUs now) {
  return {view.lsn, view.seal->base, now, view.seal->clock};
}

std::string encode_cursor(const Cursor& cursor, const CursorScope& scope, const CursorSeal& seal) {
  std::string bytes;
  put(bytes, kVersion);
  put(bytes, static_cast<uint8_t>(cursor.backward ? 1 : 0));
  put(bytes, raw(cursor.pin.lsn));
  put(bytes, raw(cursor.pin.base));
  put(bytes, raw(cursor.pin.now));
  put(bytes, raw(cursor.pin.made));
  put(bytes, cursor.key);
  put(bytes, cursor.id);
  put(bytes, cursor.begin);
  put(bytes, cursor.size);
  bytes += tag_of(scope, seal);
  bytes += mac_of_cursor(bytes, seal);
  return to_base64url(bytes);
}

Result<Cursor> decode_cursor(std::string_view text, const CursorScope& scope,
                             const CursorSeal& seal) {
  CAIRN_TRY_ASSIGN(const std::string bytes, authentic(text, seal));
  if (!equal_macs(std::string_view(bytes).substr(kScopeAt), tag_of(scope, seal))) {
    return make_error(ErrorCode::InvalidArgument,
                      "The cursor belongs to another query, sort, experiment, asker or store; "
                      "start again without one.");
  }
  const Cursor cursor = read_cursor(bytes);
  CAIRN_TRY(check_is_there(cursor.pin, seal));
  return cursor;
}

Result<CursorPin> decode_pin(std::string_view text, const CursorSeal& seal) {
  CAIRN_TRY_ASSIGN(const std::string bytes, authentic(text, seal));
  const CursorPin pin = read_cursor(bytes).pin;
  CAIRN_TRY(check_is_there(pin, seal));
  return pin;
}

std::string why_no_cursors(const View& view) {
  if (view.no_seal.empty()) return std::string(kNoCursors);
  return fmt::format(
      "This store has no readable file cursor.key, so that lists cannot be read on beyond their "
      "first page: {}.",
      view.no_seal);
}

Result<Cursor> cursor_for(const View& view, std::string_view text, const CursorScope& scope) {
  if (view.seal == nullptr) {
    return make_error(ErrorCode::Unsupported, why_no_cursors(view));
  }
  CAIRN_TRY_ASSIGN(const Cursor cursor, decode_cursor(text, scope, *view.seal));
  if (cursor.pin.lsn != view.lsn) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("The cursor belongs to a list as of LSN {}, and this is LSN {}; "
                                  "ask for the moment of the cursor.",
                                  raw(cursor.pin.lsn), raw(view.lsn)));
  }
  return cursor;
}

PageSpan page_span(const std::optional<Cursor>& cursor, uint64_t size, uint64_t end) {
  if (cursor && cursor->backward) {
    const uint64_t room = std::min(size, cursor->begin);
    return {cursor->begin - room, room};
  }
  const uint64_t begin = cursor ? std::min(cursor->begin, end) : 0;
  return {begin, std::min(size, end - begin)};
}

PageLinks page_links(const View& view, const CursorScope& scope, const CursorPin& pin,
                     const PageSpan& span, uint64_t end, uint32_t size, const RowPlace& first,
                     const RowPlace& last) {
  PageLinks links;
  const uint64_t behind = span.begin + span.room;
  if (behind < end) {
    links.next = encode_cursor({pin, last.key, last.id, behind, size, false}, scope, *view.seal);
  }
  if (span.begin > 0) {
    links.prev =
        encode_cursor({pin, first.key, first.id, span.begin, size, true}, scope, *view.seal);
  }
  return links;
}

}  // namespace cairn::query
