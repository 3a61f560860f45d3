// What one input line says: an occurrence, a status change, or a workflow operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "model/occurrence.h"
#include "model/term_batch.h"

namespace cairn::model {

enum class Status : uint8_t { Unresolved = 0, Resolved = 1, Ignored = 2 };
// Numbers as in the field (docs/wire-format.md).
enum class Substatus : uint8_t {
  None = 0,
  UntilEscalating = 1,
  Escalating = 2,
  Ongoing = 3,
  UntilConditionMet = 4,
  Forever = 5,
  Regressed = 6,
  New = 7,
};
std::string_view status_name(Status status);           // unresolved, resolved, ignored
std::string_view substatus_name(Substatus substatus);  // "" for None, else new, ongoing, ...
// "archived" and "muted" read as ignored.
std::optional<Status> parse_status(std::string_view name);

// payload_type "status_change": names the group by fingerprint.
struct StatusChangeMessage {
  std::optional<std::string> id;
  ProjectId project{};
  std::vector<std::string> fingerprint;
  Status status{};
  Substatus substatus{};
  std::optional<double> update_time;  // update_date as epoch seconds
};

// A line of a workflow stream: {"t":..,"project_id":..,"op":..}.
struct WorkflowOp {
  double t = 0;
  ProjectId project{};
  std::string op;                     // occurrence, status_change, merge, unmerge, assign, ...
  std::string fingerprint;            // "fp"; for merge and unmerge: "primary"
  std::vector<std::string> children;  // merge and unmerge
  std::optional<Uuid> occurrence;     // op occurrence: "id"
  Status status{};                    // op status_change
  std::string actor;                  // "" = none given
  std::string assignee;               // op assign: "user:ID" or a bare id; unassign: may be empty
  std::string line;                   // the whole line verbatim (kept as the activity's data)
};

using Message = std::variant<Occurrence, StatusChangeMessage, WorkflowOp>;

// Time by which --by-time orders a message: detection_time, t, update_date; 0 when it has none.
double message_time(const Message& message);

// Parses and validates lines. Reusable, not thread-safe.
//
// Errors: InvalidArgument whose message names the field and what was expected, with the byte
// position in the line where it can be told. Refused are: invalid JSON or UTF-8 anywhere in the
// line, nesting over kMaxJsonDepth, a line over kMaxLineBytes, a key given twice on any level that
// is read (top level, event, event.tags), wrong types, missing keys, unknown payload_type or op.
class MessageParser {
 public:
  MessageParser();
  ~MessageParser();
  // `terms`, when given, gets one span more for each message: the terms of an occurrence, exactly
  // those of TermExtractor, out of the same reading of the line; none for other messages. A line
  // that is refused adds nothing.
  Result<Message> parse(std::string_view line, TermBatch* terms = nullptr);
  // The same into place: a message is large to move. After an error `out` holds anything.
  Result<void> parse(std::string_view line, Message& out, TermBatch* terms);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::model
