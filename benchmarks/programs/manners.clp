; Miss Manners: seat guests so that neighbours are of different sex and share a hobby.
(deftemplate guest (slot name) (slot sex) (slot hobby))
(deftemplate last_seat (slot seat))
(deftemplate seating (slot id) (slot parent) (slot left) (slot right) (slot seat) (slot done))
(deftemplate phase (slot state))
(deftemplate path (slot id) (slot name) (slot seat))
(deftemplate chosen (slot id) (slot name) (slot hobby))
(deftemplate number (slot next))

(defrule assign_first_seat
  ?p <- (phase (state start))
  (guest (name ?name))
  ?n <- (number (next ?id))
  =>
  (assert (seating (id ?id) (parent 0) (left ?name) (right ?name) (seat 1) (done yes)))
  (assert (path (id ?id) (name ?name) (seat 1)))
  (modify ?n (next (+ ?id 1)))
  (modify ?p (state assign)))

(defrule find_seating
  ?p <- (phase (state assign))
  (seating (id ?from) (right ?right) (seat ?seat) (done yes))
  (guest (name ?right) (sex ?sex) (hobby ?hobby))
  (guest (name ?name) (sex ~?sex) (hobby ?hobby))
  ?n <- (number (next ?id))
  (not (path (id ?from) (name ?name)))
  (not (chosen (id ?from) (name ?name) (hobby ?hobby)))
  =>
  (assert (seating (id ?id) (parent ?from) (left ?right) (right ?name) (seat (+ ?seat 1)) (done no)))
  (assert (path (id ?id) (name ?name) (seat (+ ?seat 1))))
  (assert (chosen (id ?from) (name ?name) (hobby ?hobby)))
  (modify ?n (next (+ ?id 1)))
  (modify ?p (state path)))

(defrule make_path
  (declare (salience 10))
  (phase (state path))
  (seating (id ?id) (parent ?from) (done no))
  (path (id ?from) (name ?name) (seat ?seat))
  (not (path (id ?id) (name ?name)))
  =>
  (assert (path (id ?id) (name ?name) (seat ?seat))))

(defrule path_done
  ?p <- (phase (state path))
  ?s <- (seating (done no))
  =>
  (modify ?s (done yes))
  (modify ?p (state check)))

(defrule all_seated
  (declare (salience 10))
  ?p <- (phase (state check))
  (last_seat (seat ?last))
  (seating (seat ?last))
  =>
  (modify ?p (state print)))

(defrule go_on
  ?p <- (phase (state check))
  =>
  (modify ?p (state assign)))
