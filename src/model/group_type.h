// The registry of group types: what kinds of problems there are. Preloaded with the known ones.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::model {

struct GroupType {
  uint32_t id = 0;
  std::string slug;
  uint16_t category = 0;  // 0 = unknown
  uint16_t category_v2 = 0;
  uint8_t default_priority = 50;  // 25 low, 50 medium, 75 high
  uint32_t noise_limit = 0;       // 0 = no noise reduction
  bool released = true;
  bool in_default_search = true;
  bool auto_resolve = true;
  bool escalation = true;
  uint32_t quota_per_hour = 5;
  bool operator==(const GroupType&) const = default;
};

bool valid_priority(uint64_t priority);
// low, medium, high; a number that is none of them as it is.
std::string priority_name(uint8_t priority);

const std::vector<GroupType>& known_group_types();  // by id
const GroupType* find_known_group_type(uint32_t id);
// For a type nobody registered: slug "type-N", defaults otherwise.
GroupType unknown_group_type(uint32_t id);
std::string_view category_name(uint16_t category);  // "" when unknown

}  // namespace cairn::model
