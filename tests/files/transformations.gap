# Cerny, 4 states
a := Transformation( [ 2, 3, 4, 1 ] );;
b := Transformation( [ 1, 2, 3,\
 1 ] );
