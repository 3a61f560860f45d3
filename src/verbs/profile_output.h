// What a query's profile says, for people and as JSON (docs/performance.md, "Explain").
#pragma once

#include <string>
#include <string_view>

#include "query/profile.h"
#include "verbs/terminal.h"

namespace cairn::verbs {

// Lines with their ends: the plan as a tree, the parts, the stages.
std::string profile_text(const query::Profile& profile, const Terminal& terminal);

// The members of an object: plan, parts, issues, stages ...
std::string profile_members(const query::Profile& profile);
// The same as an object.
std::string profile_json(const query::Profile& profile);
// `object`, a JSON object with members, with one more.
std::string with_member(std::string object, std::string_view name, std::string_view json);

}  // namespace cairn::verbs
