// Pairs of a child and its primary, as `merge --pairs` reads them, one a line:
//
//   JSON Lines   {"child":"SHOP-4","primary":"SHOP-1"}; a word may also be a whole number; other
//                members are of no concern. So are entries of a --rejects file.
//   CSV          child,primary, or with a header that names these two columns among others. Fields
//                may be quoted ("" is a quote); a line is one record.
//
// The first line with content tells which. The columns may have other names.
//
// Value type; one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/json_tree.h"

namespace cairn::verbs {

struct Pair {
  std::string child;
  std::string primary;
  bool operator==(const Pair&) const = default;
};

struct PairColumns {
  std::string child = "child";
  std::string primary = "primary";
  bool named = false;  // by the caller: then CSV has to have a header with them
};

// A pair as a line that reads back as the same one, whatever the columns are called.
std::string pair_json(const Pair& pair, const PairColumns& columns);

class PairReader {
 public:
  explicit PairReader(PairColumns columns) : columns_(std::move(columns)) {}

  // Looks at the first line with content: true when it is a header, and so no pair.
  // Errors: InvalidArgument: columns were named, and this header lacks them.
  Result<bool> start(std::string_view line);
  // Precondition: start(). Errors: InvalidArgument (what is wrong with the line).
  Result<Pair> read(std::string_view line);

 private:
  Result<Pair> read_json(std::string_view line);
  Result<Pair> read_csv(std::string_view line) const;

  PairColumns columns_;
  bool json_ = false;
  bool header_ = false;
  // Of a CSV line.
  size_t child_at_ = 0;
  size_t primary_at_ = 1;
  size_t fields_ = 2;
  model::JsonTree tree_;
};

}  // namespace cairn::verbs
