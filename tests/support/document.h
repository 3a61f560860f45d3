// A page of docs/ as data: its fenced blocks and the first columns of its tables.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cairn::testing {

struct Block {
  std::string kind;  // what stands behind the ```
  int line = 0;      // of its first line in the page
  std::string text;
};

// What stands in code in the first cell of a row.
struct TableCode {
  std::string header;  // of the first column
  int line = 0;
  std::string text;
};

class Document {
 public:
  // Compilers are given paths relative to the build directory, where tests run.
  explicit Document(const std::string& name) {
    const auto path = std::filesystem::path(__FILE__).parent_path() / "../../docs" / name;
    INFO(path << " cannot be read; run this in the build directory");
    std::ifstream file(path);
    REQUIRE(file.good());
    std::string text;
    for (int line = 1; std::getline(file, text); ++line) add(text, line);
  }

  const std::vector<Block>& blocks() const { return blocks_; }
  const std::vector<TableCode>& table_codes() const { return codes_; }

 private:
  void add(const std::string& text, int line) {
    if (text.rfind("```", 0) == 0) {
      inside_ = !inside_;
      if (inside_) blocks_.push_back({text.substr(3), line + 1, ""});
    } else if (inside_) {
      blocks_.back().text += text + "\n";
    } else if (text.rfind("| ", 0) == 0) {
      add_row(text.substr(2), line);
    } else {
      header_.clear();
    }
  }

  void add_row(const std::string& row, int line) {
    std::string cell;
    for (size_t i = 0; i < row.size() && row[i] != '|'; ++i) {
      if (row[i] == '\\' && i + 1 < row.size() && row[i + 1] == '|') ++i;
      cell += row[i];
    }
    if (header_.empty()) {
      header_ = cell.substr(0, cell.find_last_not_of(' ') + 1);
      return;
    }
    for (size_t at = cell.find('`'); at != std::string::npos;) {
      const size_t end = cell.find('`', at + 1);
      if (end == std::string::npos) break;
      codes_.push_back({header_, line, cell.substr(at + 1, end - at - 1)});
      at = cell.find('`', end + 1);
    }
  }

  std::vector<Block> blocks_;
  std::vector<TableCode> codes_;
  bool inside_ = false;
  std::string header_;
};

}  // namespace cairn::testing
