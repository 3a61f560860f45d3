// Lists of merges and unmerges as bytes of a record (docs/format.md, "Regroupings"). Thread: any.
//
//   count | for each: project | view | number of children | children
//
// All numbers are varints; views and children are differences to the one before (views: of the same
// list, children: beginning with the view), zigzag.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/experiment.h"
#include "model/record.h"

namespace cairn::model {

// Links: std::vector<Merged> or std::vector<Unmerged>.
template <class Links>
std::string pack_links(const Links& links);

// False: these bytes are no such list, or hold more than kMaxRegroupedGroups groups.
template <class Links>
bool unpack_links(std::string_view bytes, Links& links);

extern template std::string pack_links(const std::vector<Merged>&);
extern template std::string pack_links(const std::vector<Unmerged>&);
extern template bool unpack_links(std::string_view, std::vector<Merged>&);
extern template bool unpack_links(std::string_view, std::vector<Unmerged>&);

}  // namespace cairn::model
