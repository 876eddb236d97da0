// A peer of `./dev bench fetch`: a pool of goroutines around net/http's client, on one processor.
//
// go_client URLS CONCURRENCY fetches the URLs in a file and prints one JSON object.
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

type tally struct {
	ok, bodyBytes int64
}

func newClient(concurrency int) *http.Client {
	return &http.Client{Transport: &http.Transport{
		MaxConnsPerHost:     concurrency, // else a worker dials anew before its last connection is back in the pool
		MaxIdleConns:        concurrency,
		MaxIdleConnsPerHost: concurrency,
		DisableCompression:  true,
	}}
}

func fetch(client *http.Client, url string) (status int, size int64, err error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, 0, err
	}
	defer response.Body.Close()
	size, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, size, err
}

func work(client *http.Client, urls <-chan string) (sum tally) {
	for url := range urls {
		status, size, err := fetch(client, url)
		if err == nil && status == http.StatusOK {
			sum.ok++
		}
		sum.bodyBytes += size
	}
	return sum
}

func fetchAll(urls []string, concurrency int) (total tally) {
	client := newClient(concurrency)
	queue := make(chan string, concurrency)
	tallies := make([]tally, concurrency)

	var workers sync.WaitGroup
	for w := 0; w < concurrency; w++ {
		workers.Add(1)
		go func(w int) {
			defer workers.Done()
			tallies[w] = work(client, queue)
		}(w)
	}
	for _, url := range urls {
		queue <- url
	}
	close(queue)
	workers.Wait()

	for _, t := range tallies {
		total.ok += t.ok
		total.bodyBytes += t.bodyBytes
	}
	return total
}

func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: go_client URLS CONCURRENCY")
	}
	runtime.GOMAXPROCS(1)
	lines, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	concurrency, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	urls := strings.Fields(string(lines))

	start, cpu := time.Now(), cpuTime()
	total := fetchAll(urls, concurrency)
	wall, cpu := time.Since(start), cpuTime()-cpu

	fmt.Printf("{\"ok\": %d, \"body_bytes\": %d, \"wall_s\": %.6f, \"cpu_s\": %.6f}\n",
		total.ok, total.bodyBytes, wall.Seconds(), cpu.Seconds())
}
