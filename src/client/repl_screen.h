// Where a command of the REPL writes: straight to the standard streams when they are no terminal,
// else to the screen, page by page once the answer is longer than that: by $PAGER, or by asking
// here. For $PAGER what may still fit the screen waits, and what is told beside it with it.
//
// Thread: one.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "client/repl_backend.h"

namespace cairn::client {

class ReplScreen {
 public:
  // `pages`: long answers go by a pager. Borrows `interrupted`, which Ctrl-C raises.
  ReplScreen(const verbs::Terminal& terminal, bool pages, const std::atomic<bool>& interrupted);
  ~ReplScreen();
  ReplScreen(const ReplScreen&) = delete;
  ReplScreen& operator=(const ReplScreen&) = delete;

  // For one command; borrows the screen.
  ReplIo io();
  // Shows what waits. The next line is the first of a page again.
  void show();
  // The same, and ends the pager.
  void finish();

 private:
  enum class State { Direct, Waiting, Pager, OwnPager };

  Result<void> write(std::string_view text);
  void tell(std::string_view text);
  Result<void> start_pager(const char* command);
  Result<void> write_pages(std::string_view text);
  Result<void> write_to_pager(std::string_view text);
  bool ask_for_more();

  const verbs::Terminal terminal_;
  const std::atomic<bool>& interrupted_;
  State state_ = State::Direct;
  size_t height_ = 24;   // lines of the screen
  std::string waiting_;  // for $PAGER: what may still fit
  size_t room_ = 0;      // lines that the page still has
  pid_t pager_ = -1;
  int pipe_ = -1;
  std::chrono::steady_clock::duration waited_{};
};

// Lines that a text takes on a terminal so wide; escape sequences take no columns.
size_t screen_lines(std::string_view text, size_t width);

}  // namespace cairn::client
