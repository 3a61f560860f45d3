// Tables for people: columns that fit a width, numbers to the right, one column that gives way.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "verbs/terminal.h"

namespace cairn::verbs {

struct TableColumn {
  std::string header;
  bool right = false;     // numbers
  bool flexible = false;  // takes the width that is left, at least kLeastFlexible
  // Columns that do not fit are left out, the highest number first; 0 always stays.
  int drop_order = 0;
};

struct TableCell {
  TableCell(std::string text_, Style style_ = Style::Plain)  // NOLINT: cells are written as text
      : text(std::move(text_)), style(style_) {}
  TableCell(const char* text_) : text(text_) {}  // NOLINT
  std::string text;                              // made printable by the table
  Style style = Style::Plain;
};

class TextTable {
 public:
  static constexpr size_t kLeastFlexible = 22;

  explicit TextTable(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}
  // Precondition: one cell for each column.
  void add(std::vector<TableCell> row);
  bool empty() const { return rows_.empty(); }
  // Lines with their ends; the header first.
  std::string render(const Terminal& terminal) const;

 private:
  struct Layout {
    std::vector<size_t> shown;   // indexes of columns
    std::vector<size_t> widths;  // of those
    size_t gap = 2;
  };
  Layout layout(const Terminal& terminal) const;

  std::vector<TableColumn> columns_;
  std::vector<std::vector<TableCell>> rows_;
};

// One character for each number, the greatest as the tallest: block characters, or ASCII ones when
// the terminal has no UTF-8. Zero is a blank.
std::string trend_bar(const std::vector<uint64_t>& counts, bool utf8);

// "45s", "12m", "3h", "9d", "14mo", "6y": how long before `now`. "-" for later.
std::string format_age(TimeUs now, TimeUs then);
// 1234567 -> "1,234,567".
std::string format_count(uint64_t value);
// "512 B", "1.4 MiB".
std::string format_bytes(uint64_t bytes);
// Seconds as "0.42 ms", "3.1 s", "2 min 5 s".
std::string format_seconds(double seconds);

}  // namespace cairn::verbs
