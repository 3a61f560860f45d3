#include "model/message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/time_format.h"
#include "model/field_reader.h"
#include "model/occurrence_json.h"
#include "model/rules.h"

namespace cairn::model {
namespace {

constexpr std::array<std::string_view, 3> kStatusNames = {"unresolved", "resolved", "ignored"};
constexpr std::array<std::string_view, 8> kSubstatusNames = {
    "",        "until_escalating", "escalating", "ongoing", "until_condition_met",
    "forever", "regressed",        "new"};

// Every op of a workflow stream (docs/wire-format.md).
constexpr std::array<std::string_view, 17> kOps = {"occurrence",
                                                   "status_change",
                                                   "merge",
                                                   "unmerge",
                                                   "assign",
                                                   "unassign",
                                                   "note",
                                                   "label",
                                                   "unlabel",
                                                   "milestone",
                                                   "demilestone",
                                                   "rename",
                                                   "lock",
                                                   "unlock",
                                                   "reference",
                                                   "review_requested",
                                                   "review_request_removed"};

// Not fmt::join: GCC 12 warns falsely about it at -O3.
std::string known_ops() {
  std::string all;
  for (const std::string_view op : kOps) {
    if (!all.empty()) all += ", ";
    all += op;
  }
  return all;
}

// Blanks around the object and a byte order mark, as editors leave them, are no part of it.
std::string_view without_surroundings(std::string_view line) {
  if (line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::string_view status_name(Status status) { return kStatusNames[static_cast<size_t>(status)]; }

std::string_view substatus_name(Substatus substatus) {
  return kSubstatusNames[static_cast<size_t>(substatus)];
}

std::optional<Status> parse_status(std::string_view name) {
  for (size_t i = 0; i < kStatusNames.size(); ++i)
    if (kStatusNames[i] == name) return static_cast<Status>(i);
  if (name == "archived" || name == "muted") return Status::Ignored;
  return std::nullopt;
}

double message_time(const Message& message) {
  if (const auto* occurrence = std::get_if<Occurrence>(&message)) return occurrence->detection_time;
  if (const auto* op = std::get_if<WorkflowOp>(&message)) return op->t;
  return std::get<StatusChangeMessage>(message).update_time.value_or(0);
}

struct MessageParser::Impl {
  Result<void> parse(std::string_view line, Message& out);
  bool status_change(JsonValue line, StatusChangeMessage& out);
  bool statuses(JsonValue line, StatusChangeMessage& out);
  bool update_date(JsonValue value, StatusChangeMessage& out);
  bool workflow_op(JsonValue line, WorkflowOp& out);
  bool op_members(JsonValue line, WorkflowOp& out);
  bool op_text(std::string_view name, JsonValue value, std::string& out);
  void add_terms(const Message& message, TermBatch& terms);

  TermExtractor extractor;
  JsonTree tree;
  OccurrenceReader occurrences;
  FieldReader fields;
  LineMembers members;
};

Result<void> MessageParser::Impl::parse(std::string_view line, Message& message) {
  CAIRN_TRY(tree.parse(line, kMessageKeepDepth, kMaxJsonDepth));
  const JsonValue root = tree.root();
  if (!members.collect(root)) {
    fields.fail(members.twice(), "the member is given twice");
    return fields.take_error();
  }
  if (members[Member::Op] && (members[Member::Time] || !members[Member::DetectionTime])) {
    auto& out = message.emplace<WorkflowOp>();
    if (!workflow_op(root, out)) return fields.take_error();
    out.line.assign(line);
    return {};
  }
  std::string type = "occurrence";
  const JsonValue payload_type = members[Member::PayloadType];
  if (!is_absent(payload_type) && !fields.string("payload_type", payload_type, type))
    return fields.take_error();
  if (type == "occurrence") {
    CAIRN_TRY(occurrences.read(members, message.emplace<Occurrence>()));
    return {};
  }
  if (type == "status_change") {
    if (!status_change(root, message.emplace<StatusChangeMessage>())) return fields.take_error();
    return {};
  }
  fields.fail(
      "payload_type",
      fmt::format("unknown {}; known are \"occurrence\" and \"status_change\"", show(payload_type)),
      payload_type);
  return fields.take_error();
}

bool MessageParser::Impl::status_change(JsonValue line, StatusChangeMessage& out) {
  return fields.text("id", find_member(line, "id"), kMaxTitleBytes, out.id) &&
         fields.project("project_id", find_member(line, "project_id"), out.project) &&
         fields.strings("fingerprint", find_member(line, "fingerprint"), kMaxFingerprints,
                        out.fingerprint) &&
         statuses(line, out) && update_date(find_member(line, "update_date"), out);
}

bool MessageParser::Impl::statuses(JsonValue line, StatusChangeMessage& out) {
  const JsonValue status = find_member(line, "new_status");
  const JsonValue substatus = find_member(line, "new_substatus");
  int64_t number = 0;
  if (!fields.integer("new_status", status, 0, 2, number)) return false;
  out.status = static_cast<Status>(number);
  if (!is_absent(substatus)) {
    if (!fields.integer("new_substatus", substatus, 1, 7, number)) return false;
    out.substatus = static_cast<Substatus>(number);
  }
  if (out.status == Status::Unresolved && out.substatus == Substatus::New)
    return fields.fail("new_substatus", "nothing becomes new (7) again", substatus);
  if (substatus_fits(out.status, out.substatus)) return true;
  switch (out.status) {
    case Status::Unresolved:
      return fields.fail("new_substatus",
                         "with new_status 0 (unresolved) expected 2 (escalating), 3 (ongoing) or "
                         "6 (regressed)",
                         substatus);
    case Status::Ignored:
      return fields.fail("new_substatus",
                         "with new_status 2 (ignored) expected 1 (until_escalating), 4 "
                         "(until_condition_met) or 5 (forever)",
                         substatus);
    default:
      return fields.fail("new_substatus", "with new_status 1 (resolved) expected null", substatus);
  }
}

bool MessageParser::Impl::update_date(JsonValue value, StatusChangeMessage& out) {
  if (is_absent(value)) return true;
  double seconds = 0;
  if (value.kind() == JsonKind::String) {
    std::string text;
    if (!fields.string("update_date", value, text)) return false;
    const auto time = parse_time(text);
    if (!time || raw(*time) < 0) {
      return fields.fail("update_date",
                         fmt::format("expected an ISO 8601 time since 1970, got {}", show(value)),
                         value);
    }
    seconds = static_cast<double>(raw(*time)) / static_cast<double>(kMicrosPerSecond);
  } else if (!fields.seconds("update_date", value, seconds)) {
    return false;
  }
  out.update_time = seconds;
  return true;
}

bool MessageParser::Impl::workflow_op(JsonValue line, WorkflowOp& out) {
  const JsonValue op = find_member(line, "op");
  if (!fields.string("op", op, out.op)) return false;
  if (std::find(kOps.begin(), kOps.end(), out.op) == kOps.end()) {
    return fields.fail("op", fmt::format("unknown {}; known are {}", show(op), known_ops()), op);
  }
  return fields.seconds("t", find_member(line, "t"), out.t) &&
         fields.project("project_id", find_member(line, "project_id"), out.project) &&
         op_members(line, out);
}

bool MessageParser::Impl::op_members(JsonValue line, WorkflowOp& out) {
  std::optional<std::string> actor;
  if (!fields.text("actor", find_member(line, "actor"), kMaxTitleBytes, actor)) return false;
  if (actor) out.actor = std::move(*actor);
  if (out.op == "merge" || out.op == "unmerge") {
    return op_text("primary", find_member(line, "primary"), out.fingerprint) &&
           fields.strings("children", find_member(line, "children"), kMaxMergeChildren,
                          out.children);
  }
  if (!op_text("fp", find_member(line, "fp"), out.fingerprint)) return false;
  if (out.op == "occurrence") {
    const JsonValue id = find_member(line, "id");
    return fields.uuid("id", id, out.occurrence) &&
           (out.occurrence || fields.missing("id", "a UUID"));
  }
  if (out.op == "status_change") {
    const JsonValue value = find_member(line, "status");
    std::string name;
    if (!op_text("status", value, name)) return false;
    const auto status = parse_status(name);
    if (!status) {
      return fields.fail(
          "status",
          fmt::format("expected unresolved, resolved, ignored, archived or muted, got {}",
                      show(value)),
          value);
    }
    out.status = *status;
    return true;
  }
  const JsonValue assignee = find_member(line, "assignee");
  if (out.op == "assign") return op_text("assignee", assignee, out.assignee);
  if (out.op == "unassign" && !is_absent(assignee))
    return fields.string("assignee", assignee, out.assignee);
  return true;
}

// A required string of 1 to kMaxFingerprintBytes bytes.
bool MessageParser::Impl::op_text(std::string_view name, JsonValue value, std::string& out) {
  if (!fields.string(name, value, out)) return false;
  if (out.empty()) return fields.fail(name, "expected a text, got an empty one", value);
  return out.size() <= kMaxFingerprintBytes ||
         fields.fail(name,
                     fmt::format("{} bytes, the limit is {}", out.size(), kMaxFingerprintBytes),
                     value);
}

void MessageParser::Impl::add_terms(const Message& message, TermBatch& terms) {
  if (const auto* occurrence = std::get_if<Occurrence>(&message)) {
    extractor.extract(*occurrence, occurrences.event(), terms);
  } else {
    terms.end();
  }
}

MessageParser::MessageParser() : impl_(std::make_unique<Impl>()) {}
MessageParser::~MessageParser() = default;

Result<Message> MessageParser::parse(std::string_view line, TermBatch* terms) {
  Message message;
  CAIRN_TRY(parse(line, message, terms));
  return message;
}

Result<void> MessageParser::parse(std::string_view line, Message& out, TermBatch* terms) {
  if (line.size() > kMaxLineBytes) {
    return make_error(
        ErrorCode::InvalidArgument,
        fmt::format("the line has {} bytes, the limit is {}", line.size(), kMaxLineBytes));
  }
  const std::string_view object = without_surroundings(line);
  const auto skipped = object.empty() ? 0 : static_cast<uint32_t>(object.data() - line.data());
  if (const size_t at = object.find('\n'); at != std::string_view::npos) {
    return Error{ErrorCode::InvalidArgument,
                 "a line break inside the message: one message is one line",
                 skipped + static_cast<uint32_t>(at)};
  }
  auto result = impl_->parse(object, out);
  if (result.ok() && terms != nullptr) impl_->add_terms(out, *terms);
  if (result.ok() || !result.error().position) return result;
  Error error = std::move(result).error();
  *error.position += skipped;
  return error;
}

}  // namespace cairn::model
