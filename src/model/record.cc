#include "model/record.h"

namespace cairn::model {

std::string_view policy_name(FingerprintPolicy policy) {
  return policy == FingerprintPolicy::Known ? "known" : "first";
}

std::string_view standing_name(Standing standing) {
  switch (standing) {
    case Standing::Kept:
      return "kept";
    case Standing::Deleted:
      return "deleted";
    case Standing::Discarded:
      break;
  }
  return "discarded";
}

std::string_view note_change_name(NoteChange change) {
  constexpr std::string_view kNames[] = {"added", "edited", "removed"};
  return kNames[raw(change)];
}

std::string_view attention_name(Attention attention) {
  constexpr std::string_view kNames[] = {"bookmarked", "subscribed", "seen", "reviewed"};
  return kNames[raw(attention)];
}

std::string_view incident_change_name(IncidentChange change) {
  constexpr std::string_view kNames[] = {"acknowledged", "commented", "closed"};
  return kNames[raw(change)];
}

std::string_view resolution_name(ResolutionKind kind) {
  constexpr std::string_view kNames[] = {"now", "in_release", "in_next_release", "in_commit"};
  return kNames[raw(kind)];
}

std::string_view regroup_cause_name(RegroupCause cause) {
  switch (cause) {
    case RegroupCause::Sweep:
      return "sweep";
    case RegroupCause::Promotion:
      return "promotion";
    case RegroupCause::Undo:
      break;
  }
  return "undo";
}

}  // namespace cairn::model
