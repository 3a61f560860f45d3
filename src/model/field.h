// The fields an occurrence is indexed under. Attributes have fixed ids; tags get ids in order of
// first appearance, from kFirstTagField.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

// Fixed ids: part of the index format, never reused for another meaning. A field marked "else tag"
// takes the tag of its own name when the event has no such attribute. Empty values are no terms.
namespace field {
inline constexpr FieldId kLevel{1};
inline constexpr FieldId kPlatform{2};
inline constexpr FieldId kEnvironment{3};  // event.environment, else tag
inline constexpr FieldId kRelease{4};      // event.release, else tag
inline constexpr FieldId kDist{5};         // event.dist, else tag
inline constexpr FieldId kTransaction{6};  // event.transaction, else tag
inline constexpr FieldId kLogger{7};       // event.logger, else tag
inline constexpr FieldId kServerName{8};   // event.server_name, else tag
inline constexpr FieldId kUrl{9};          // event.request.url, else tag
inline constexpr FieldId kUser{10};        // "id:X", else "username:X", "email:X", "ip:X"
inline constexpr FieldId kUserEmail{11};
inline constexpr FieldId kUserUsername{12};
inline constexpr FieldId kUserIp{13};
inline constexpr FieldId kHttpMethod{14};  // event.request.method
inline constexpr FieldId kTrace{15};       // contexts.trace.trace_id, else event.trace_id
inline constexpr FieldId kSdkName{16};
inline constexpr FieldId kSdkVersion{17};
inline constexpr FieldId kErrorType{18};    // exception types, each value once
inline constexpr FieldId kFingerprint{19};  // every entry of the fingerprint list
inline constexpr FieldId kCulprit{20};
inline constexpr FieldId kTitle{21};  // issue_title
inline constexpr FieldId kSubtitle{22};
inline constexpr FieldId kMessage{23};  // logentry.formatted, else .message, else event.message
inline constexpr FieldId kType{24};     // decimal group type
// The second to fifth entry of the fingerprint list: its coarser levels. The first one decides.
inline constexpr FieldId kFingerprint2{25};
inline constexpr FieldId kFingerprint5{28};
inline constexpr FieldId kLastAttribute = kFingerprint5;
// What term_details.h finds. Of exceptions, each value once:
inline constexpr FieldId kErrorValue{29};
inline constexpr FieldId kErrorMechanism{30};
inline constexpr FieldId kErrorHandled{31};    // "false" when one of them was not; else "true"
inline constexpr FieldId kErrorUnhandled{32};  // the opposite
inline constexpr FieldId kErrorMainThread{33};
// Of the frames of its stack traces, at most kMaxFrames, each value once:
inline constexpr FieldId kStackFilename{34};
inline constexpr FieldId kStackFunction{35};
inline constexpr FieldId kStackModule{36};
inline constexpr FieldId kStackPackage{37};
inline constexpr FieldId kStackAbsPath{38};
inline constexpr FieldId kStackLineno{39};
inline constexpr FieldId kStackTop{40};  // "PLACE in FUNCTION" of the newest one of the application
inline constexpr FieldId kLocation{41};  // event.location, else the file of that frame
inline constexpr FieldId kHttpReferer{42};  // a header of event.request
inline constexpr FieldId kEvidence{43};     // "NAME: VALUE" of each entry of evidence_display
inline constexpr FieldId kLastBuiltin = kEvidence;
inline constexpr FieldId kFirstTagField{64};
}  // namespace field

inline constexpr FieldId kMaxFieldId{0xfffe};

struct BuiltinField {
  FieldId id;
  std::string_view name;  // as written in a query
};
// All of the above, by id.
const std::vector<BuiltinField>& builtin_fields();

// One (field, value) an occurrence is found under. Exactly one of id / tag names the field.
struct Term {
  FieldId id{};  // builtin, or 0: then `tag` is the tag's key
  std::string_view tag;
  std::string_view value;
};

}  // namespace cairn::model
