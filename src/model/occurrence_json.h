// The occurrence's wire form, in (docs/wire-format.md). Out: to_json() in occurrence.h.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/field_reader.h"
#include "model/json_tree.h"
#include "model/occurrence.h"

namespace cairn::model {

// Levels of a line that are looked into: those of the event, which is itself at level 1.
inline constexpr int kMessageKeepDepth = 1 + kEventKeepDepth;

// The members a line may have, those of an occurrence first.
enum class Member : uint8_t {
  Id,
  ProjectId,
  EventId,
  Fingerprint,
  IssueTitle,
  Subtitle,
  ResourceId,
  Culprit,
  Level,
  Priority,
  Assignee,
  Type,
  DetectionTime,
  BufferedSpans,
  EvidenceData,
  EvidenceDisplay,
  Event,
  PayloadType,
  // What an export adds is not read.
  Lsn,
  Leaf,
  Issue,
  // Of operations, and nothing special in an occurrence.
  Op,
  Time,
  Unknown,
};

// The members of a line, found in one pass.
class LineMembers {
 public:
  // False: a member is given twice, see twice(). Borrows the line's tree.
  bool collect(JsonValue line);
  std::string_view twice() const { return twice_; }

  // False when it is absent.
  JsonValue operator[](Member member) const { return known_[static_cast<size_t>(member)]; }
  // Names of those an occurrence does not know; each one's value follows it.
  const std::vector<JsonValue>& others() const { return others_; }

 private:
  static constexpr size_t kKnown = static_cast<size_t>(Member::Unknown);
  std::array<JsonValue, kKnown> known_;
  std::vector<JsonValue> others_;
  NameSet names_;                    // of the unknown
  std::deque<std::string> decoded_;  // names written with escapes
  std::string_view twice_;
};

// Reusable; keeps buffers. Thread: one at a time.
class OccurrenceReader {
 public:
  // `members` are those of a tree kept down to kMessageKeepDepth.
  // Errors: InvalidArgument naming the member and what was expected.
  Result<void> read(const LineMembers& members, Occurrence& out);
  // Of the line read last; false when it has none.
  JsonValue event() const { return event_; }

 private:
  bool read_identity(const LineMembers& members, Occurrence& out);
  bool read_texts(const LineMembers& members, Occurrence& out);
  bool read_numbers(const LineMembers& members, Occurrence& out);
  bool read_evidence(const LineMembers& members, Occurrence& out);
  bool read_event(JsonValue event, Occurrence& out);
  bool read_event_id(JsonValue id, Occurrence& out);
  bool check_tags(JsonValue tags);
  bool check_tag(JsonValue key, JsonValue value);

  FieldReader fields_;
  JsonValue event_;
  NameSet names_;
  std::deque<std::string> decoded_;  // names written with escapes
};

}  // namespace cairn::model
