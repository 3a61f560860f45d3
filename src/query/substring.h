// Finding a text in much text, with or without regard to the case of the letters A to Z: many bytes
// at a time. Value; thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cairn::query {

class Substring {
 public:
  // Precondition: !needle.empty().
  Substring(std::string needle, bool fold_case);

  // Where it begins at or behind `from`; npos: nowhere.
  size_t find(std::string_view text, size_t from = 0) const;
  size_t size() const { return needle_.size(); }

 private:
  bool is_at(const char* place) const;

  std::string needle_;  // in lower case when folding
  bool fold_case_;
  // Two of its bytes that are looked for first, with the bit that tells the cases of a letter
  // apart.
  size_t second_;
  unsigned char first_byte_, first_fold_;
  unsigned char second_byte_, second_fold_;
};

}  // namespace cairn::query
