// Reads lines from a terminal: editing keys, history on disk, completion. Hides libedit.
//
// Resource; one in a process, used by one thread. SIGINT, SIGWINCH and SIGCONT must have handlers
// that let system calls be interrupted.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cairn::client {

// What may stand from `begin` of the line up to the cursor. None: nothing fits.
struct Completions {
  size_t begin = 0;
  std::vector<std::string> candidates;
};

struct LineEditorOptions {
  std::string history;  // file; "" = only while it runs
  std::function<Completions(std::string_view before_cursor)> complete;
  const std::atomic<bool>& interrupted;  // raised by Ctrl-C; borrowed
  bool color = false;
};

class LineEditor {
 public:
  enum class Outcome { Line, Interrupted, End };

  // Io: the terminal cannot be used.
  static Result<std::unique_ptr<LineEditor>> open(LineEditorOptions options);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  // `line` without its end. The prompt ends with a blank.
  Outcome read(const std::string& prompt, std::string& line);
  // For the keys that go back, in this session and later ones.
  void remember(const std::string& command);

 private:
  struct Impl;
  explicit LineEditor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cairn::client
