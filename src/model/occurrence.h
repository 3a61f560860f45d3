// One validated occurrence in the wire form (docs/wire-format.md; Sentry's ingest-occurrences).
// A value: copies, compares, serializes. Absent and null mean the same and are one nullopt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/uuid.h"
#include "model/field.h"
#include "model/term_batch.h"

namespace cairn::model {

enum class Level : uint8_t { Debug, Info, Warning, Error, Fatal, Sample };
std::string_view level_name(Level level);
std::optional<Level> parse_level(std::string_view name);

// Limits of the wire form. Beyond them a line is refused with a message that names the field.
inline constexpr size_t kMaxLineBytes = 16u << 20;    // one JSON line; Sentry's events end at 1 MB
inline constexpr size_t kMaxFingerprints = 64;        // entries of one list
inline constexpr size_t kMaxFingerprintBytes = 1024;  // one entry; md5 strings have 32
inline constexpr size_t kMaxTitleBytes = 64u << 10;
inline constexpr size_t kMaxTagKeyBytes = 200;  // field's own limit for keys
inline constexpr size_t kMaxTagValueBytes = 64u << 10;
inline constexpr size_t kMaxTags = 1000;  // per event
// Of one occurrence so many are looked at for terms; the rest is kept, but not found.
inline constexpr size_t kMaxFrames = 16;          // the newest ones, the application's own first
inline constexpr size_t kMaxContextMembers = 64;  // of each context, those with a value
inline constexpr size_t kMaxEvidence = 64;        // entries to show, and as many members of data
inline constexpr int kMaxJsonDepth = 512;

class JsonValue;

struct Occurrence {
  Uuid id;
  ProjectId project{};
  std::optional<Uuid> event_id;
  std::vector<std::string> fingerprint;  // at least one, none empty, as sent (not hashed again)
  std::optional<std::string> title;      // issue_title: key required, null allowed
  std::optional<std::string> subtitle;   // key required, null allowed
  std::optional<std::string> resource_id;
  std::optional<std::string> culprit;
  std::optional<std::string> level_text;  // as sent; nullopt -> info
  std::optional<int32_t> priority;        // initial_issue_priority: 25, 50, 75
  std::optional<std::string> assignee;    // "user:ID" / "team:ID"
  uint32_t type = 0;
  double detection_time = 0;  // epoch seconds as sent
  bool is_buffered_spans = false;
  // Verbatim JSON values, empty = absent. Validated as JSON (any depth up to the limit, big
  // numbers allowed), never rewritten.
  std::string evidence_data;     // an object
  std::string evidence_display;  // an array
  std::string event;             // an object
  // Unknown top-level members, verbatim: `"a":1,"b":[2]`. Empty = none.
  std::string extra;

  bool operator==(const Occurrence&) const = default;

  Level level() const;
  TimeUs time() const;  // detection_time in microseconds
};

// The wire form again: one JSON object without a newline. Parsing it gives an equal value.
std::string to_json(const Occurrence& occurrence);
// The same members without the braces, for writers that add their own (export's _issue ...).
std::string to_json_members(const Occurrence& occurrence);

// Finds the terms an occurrence is indexed under. Pure: a function of the occurrence and
// kTermsVersion alone, so that a rebuild finds the same terms. No (field, value) appears twice.
//
// Reusable and not thread-safe (keeps a parser and buffers); the returned views live until the
// next call or the end of `occurrence`.
inline constexpr uint32_t kTermsVersion = 3;
// Levels of an event that are looked into: exception, values, one of them, its type.
inline constexpr int kEventKeepDepth = 4;
class TermExtractor {
 public:
  TermExtractor();
  ~TermExtractor();
  const std::vector<Term>& extract(const Occurrence& occurrence);
  // The first one in a builtin field; nullopt: there is none.
  std::optional<std::string_view> find(const Occurrence& occurrence, FieldId field);
  // The same terms as one more span of `batch`.
  void extract(const Occurrence& occurrence, TermBatch& batch);
  // The same for who has the event as a tree already, kept kEventKeepDepth levels below it; an
  // absent one is no event.
  void extract(const Occurrence& occurrence, const JsonValue& event, TermBatch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The occurrence's term in a field of one value; nullopt: it has none. Thread: any.
std::optional<std::string> find_term(const Occurrence& occurrence, FieldId field);

}  // namespace cairn::model
