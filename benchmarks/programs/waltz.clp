; Waltz: label the lines of a drawing by what its junctions can mean, struck out until neighbours agree.
(deftemplate line (slot name) (slot a) (slot b) (slot ax) (slot ay) (slot bx) (slot by))
(deftemplate entry (slot shape) (slot name))
(deftemplate mark (slot entry) (slot place) (slot mark))
(deftemplate next (slot after) (slot then))
(deftemplate phase (slot state))
(deftemplate end (slot line) (slot joint) (slot to) (slot rank) (slot dx) (slot dy))
(deftemplate joint (slot name) (slot shape))
(deftemplate spot (slot joint) (slot place) (slot line) (slot to) (slot beside))
(deftemplate option (slot joint) (slot entry))
(deftemplate claim (slot joint) (slot entry) (slot line) (slot label))
(deftemplate outline (slot line) (slot head))
(deftemplate label (slot line) (slot label))

(defrule go_on
  (declare (salience -1))
  ?p <- (phase (state ?state))
  (next (after ?state) (then ?then))
  =>
  (modify ?p (state ?then)))

(defrule ends
  (phase (state draw))
  (line (name ?line) (a ?a) (b ?b) (ax ?ax) (ay ?ay) (bx ?bx) (by ?by))
  =>
  (assert (end (line ?line) (joint ?a) (to ?b) (rank (+ (* ?ax 100) ?ay)) (dx (- ?bx ?ax)) (dy (- ?by ?ay))))
  (assert (end (line ?line) (joint ?b) (to ?a) (rank (+ (* ?bx 100) ?by)) (dx (- ?ax ?bx)) (dy (- ?ay ?by)))))

(defrule corner
  (phase (state detect))
  (end (line ?e) (joint ?j) (to ?te) (dx ?ex) (dy ?ey))
  (end (line ?f) (joint ?j) (to ?tf) (dx ?fx) (dy ?fy&:(> (* ?ex ?fy) (* ?ey ?fx))))
  (not (end (line ~?e&~?f) (joint ?j)))
  =>
  (assert (joint (name ?j) (shape corner)))
  (assert (spot (joint ?j) (place 1) (line ?e) (to ?te) (beside ?f)))
  (assert (spot (joint ?j) (place 2) (line ?f) (to ?tf) (beside ?e))))

(defrule arrow
  (phase (state detect))
  (end (line ?e) (joint ?j) (to ?te) (dx ?ex) (dy ?ey))
  (end (line ?f) (joint ?j) (to ?tf) (dx ?fx) (dy ?fy&:(> (* ?ex ?fy) (* ?ey ?fx))))
  (end (line ?g) (joint ?j) (to ?tg) (dx ?gx) (dy ?gy&:(> (* ?fx ?gy) (* ?fy ?gx))&:(> (* ?ex ?gy) (* ?ey ?gx))))
  =>
  (assert (joint (name ?j) (shape arrow)))
  (assert (spot (joint ?j) (place 1) (line ?e) (to ?te) (beside ?g)))
  (assert (spot (joint ?j) (place 2) (line ?f) (to ?tf) (beside ?e)))
  (assert (spot (joint ?j) (place 3) (line ?g) (to ?tg) (beside ?f))))

(defrule fork
  (phase (state detect))
  (end (line ?e) (joint ?j) (to ?te) (dx ?ex) (dy ?ey))
  (end (line ?f&:(> ?f ?e)) (joint ?j) (to ?tf) (dx ?fx) (dy ?fy&:(> (* ?ex ?fy) (* ?ey ?fx))))
  (end (line ?g&:(> ?g ?e)) (joint ?j) (to ?tg) (dx ?gx)
    (dy ?gy&:(> (* ?fx ?gy) (* ?fy ?gx))&:(< (* ?ex ?gy) (* ?ey ?gx))))
  =>
  (assert (joint (name ?j) (shape fork)))
  (assert (spot (joint ?j) (place 1) (line ?e) (to ?te) (beside ?g)))
  (assert (spot (joint ?j) (place 2) (line ?f) (to ?tf) (beside ?e)))
  (assert (spot (joint ?j) (place 3) (line ?g) (to ?tg) (beside ?f))))

(defrule tee
  (phase (state detect))
  (end (line ?e) (joint ?j) (to ?te) (dx ?ex) (dy ?ey))
  (end (line ?f) (joint ?j) (to ?tf) (dx ?fx) (dy ?fy&:(> (* ?ex ?fy) (* ?ey ?fx))))
  (end (line ?g) (joint ?j) (to ?tg) (dx ?gx) (dy ?gy&:(> (* ?fx ?gy) (* ?fy ?gx))&:(= (* ?ex ?gy) (* ?ey ?gx))))
  =>
  (assert (joint (name ?j) (shape tee)))
  (assert (spot (joint ?j) (place 1) (line ?e) (to ?te) (beside ?g)))
  (assert (spot (joint ?j) (place 2) (line ?f) (to ?tf) (beside ?e)))
  (assert (spot (joint ?j) (place 3) (line ?g) (to ?tg) (beside ?f))))

(defrule propose
  (phase (state propose))
  (joint (name ?j) (shape ?shape))
  (entry (shape ?shape) (name ?entry))
  =>
  (assert (option (joint ?j) (entry ?entry))))

(defrule claim
  (logical (option (joint ?j) (entry ?entry)))
  (spot (joint ?j) (place ?place) (line ?line) (to ?to))
  (mark (entry ?entry) (place ?place) (mark ?mark))
  =>
  (assert (claim (joint ?j) (entry ?entry) (line ?line)
    (label (if (eq ?mark out) then ?to else (if (eq ?mark in) then ?j else ?mark))))))

(defrule leave
  (phase (state trace))
  (end (line ?e) (joint ?j) (to ?to) (rank ?rank) (dx ?ex) (dy ?ey))
  (not (end (rank ?less&:(< ?less ?rank))))
  (not (end (joint ?j) (dx ?fx) (dy ?fy&:(> (* ?ex ?fy) (* ?ey ?fx)))))
  =>
  (assert (outline (line ?e) (head ?to))))

(defrule follow
  (outline (line ?line) (head ?j))
  (spot (joint ?j) (line ?line) (beside ?beside))
  (spot (joint ?j) (line ?beside) (to ?to))
  =>
  (assert (outline (line ?beside) (head ?to))))

(defrule against_the_outline
  (phase (state strike))
  (outline (line ?line) (head ?head))
  (claim (joint ?j) (entry ?entry) (line ?line) (label ~?head))
  ?x <- (option (joint ?j) (entry ?entry))
  =>
  (retract ?x))

(defrule no_neighbour_shares_it
  (phase (state strike))
  (claim (joint ?j) (entry ?entry) (line ?line) (label ?label))
  (not (claim (joint ~?j) (line ?line) (label ?label)))
  ?x <- (option (joint ?j) (entry ?entry))
  =>
  (retract ?x))

(defrule label
  (phase (state label))
  (claim (line ?line) (label ?label))
  =>
  (assert (label (line ?line) (label ?label))))
