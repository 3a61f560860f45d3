// The occurrence's wire form, in (docs/wire-format.md). Out: to_json() in occurrence.h.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/field_reader.h"
#include "model/json_tree.h"
#include "model/occurrence.h"

namespace cairn::model {

// Levels of a line that are looked into: those of the event, which is itself at level 1.
inline constexpr int kMessageKeepDepth = 1 + kEventKeepDepth;

// Reusable; keeps buffers. Thread: one at a time.
class OccurrenceReader {
 public:
  // `line` is the root of a tree kept down to kMessageKeepDepth in which no member is given twice.
  // Errors: InvalidArgument naming the member and what was expected.
  Result<void> read(JsonValue line, Occurrence& out);
  // Of the line read last; false when it has none.
  JsonValue event() const { return event_; }

 private:
  struct Members;

  void collect(JsonValue line, Members& members, Occurrence& out);
  bool read_identity(const Members& members, Occurrence& out);
  bool read_texts(const Members& members, Occurrence& out);
  bool read_numbers(const Members& members, Occurrence& out);
  bool read_evidence(const Members& members, Occurrence& out);
  bool read_event(JsonValue event, Occurrence& out);
  bool read_event_id(JsonValue id, Occurrence& out);
  bool check_tags(JsonValue tags);
  bool check_tag(JsonValue key, JsonValue value);

  FieldReader fields_;
  JsonValue event_;
  NameSet names_;
  std::deque<std::string> decoded_;  // names written with escapes
};

// The decoded form of a member name; `store` keeps it when it was written with escapes.
std::string_view decode_name(JsonValue name, std::deque<std::string>& store);

}  // namespace cairn::model
