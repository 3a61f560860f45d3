#include "model/rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::model {
namespace {

constexpr size_t kMaxAssigneeBytes = 200;

}  // namespace

bool substatus_fits(Status status, Substatus substatus) {
  switch (substatus) {
    case Substatus::None:
      return status == Status::Resolved;
    case Substatus::New:
    case Substatus::Ongoing:
    case Substatus::Escalating:
    case Substatus::Regressed:
      return status == Status::Unresolved;
    case Substatus::UntilEscalating:
    case Substatus::UntilConditionMet:
    case Substatus::Forever:
      return status == Status::Ignored;
  }
  return false;
}

Substatus usual_substatus(Status status) {
  switch (status) {
    case Status::Unresolved:
      return Substatus::Ongoing;
    case Status::Ignored:
      return Substatus::UntilEscalating;
    case Status::Resolved:
      break;
  }
  return Substatus::None;
}

std::string status_text(Status status, Substatus substatus) {
  if (substatus == Substatus::None) return std::string(status_name(status));
  return fmt::format("{}/{}", status_name(status), substatus_name(substatus));
}

bool valid_assignee(std::string_view assignee) {
  if (!assignee.starts_with("user:") && !assignee.starts_with("team:")) return false;
  const std::string_view id = assignee.substr(5);
  const auto printable = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  };
  return !id.empty() && id.size() <= kMaxAssigneeBytes &&
         std::all_of(id.begin(), id.end(), printable);
}

bool placeholder_title(std::string_view title) { return title.empty() || title == kUntitled; }

}  // namespace cairn::model
