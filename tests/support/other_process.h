// Work of another process beside this one: an index may be opened once in a process, so that two
// processes are needed to show a reader beside a writer.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

namespace cairn::testing {

class OtherProcess {
 public:
  // Forks at once, before this process opens what the other is to open; the other waits for run().
  // `work` runs there: no assertions; what it returns is 0 when all went well.
  explicit OtherProcess(const std::function<int()>& work) {
    int channel[2];
    REQUIRE(pipe(channel) == 0);
    child_ = fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      close(channel[1]);
      char go = 0;
      _exit(read(channel[0], &go, 1) == 1 ? work() : 99);
    }
    close(channel[0]);
    word_ = channel[1];
  }
  ~OtherProcess() { finish(); }  // of one that was never let go: it ends with the channel
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;

  // Lets it go and waits for its end.
  void run() {
    const char go = 'g';
    REQUIRE(write(word_, &go, 1) == 1);
    const int status = finish();
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
  }

 private:
  int finish() {
    int status = 0;
    if (child_ <= 0) return status;
    close(word_);
    waitpid(child_, &status, 0);
    child_ = 0;
    return status;
  }

  pid_t child_ = 0;
  int word_ = -1;
};

}  // namespace cairn::testing
